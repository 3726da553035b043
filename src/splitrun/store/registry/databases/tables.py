"""The tables as SQLAlchemy knows them; migrations make them, and a test holds the two together."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

__all__ = ["BESIDE", "METADATA", "documents", "entries", "keys", "lives", "plans", "rulesets", "tokens"]

METADATA = MetaData()

NUMBER = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits on both; on SQLite only a column typed INTEGER is the row's own number."""

entries = Table(
    "entries",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("project", Text),
    Column("environment", Text),
    Column("subject", Text, nullable=False),
    Column("reason", Text),
    Column("content", Text, nullable=False),
    Column("previous", Text, nullable=False, unique=True),
    Column("hash", Text, nullable=False, unique=True),
    Column("key", Text, nullable=False),
    Column("signature", Text, nullable=False),
)


def beside(name: str, *columns: Column[str] | Column[int] | Column[bool] | Column[bytes], once: str) -> Table:
    """A table of rows that belong to entries.

    Args:
        name: Its name.
        columns: Its columns.
        once: Names of columns, no two rows alike in all of them: so a lost update cannot even be written.
    """
    return Table(
        name,
        METADATA,
        Column("entry", NUMBER, ForeignKey("entries.number"), nullable=False),
        Column("place", Integer, nullable=False),
        *columns,
        PrimaryKeyConstraint("entry", "place", name=f"{name}_pkey"),
        UniqueConstraint(*once.split(), name=f"{name}_once"),
    )


def words(*names: str) -> tuple[Column[str], ...]:
    """Columns of text that are never empty."""
    return tuple(Column(name, Text, nullable=False) for name in names)


def counts(*names: str) -> tuple[Column[int], ...]:
    """Columns of whole numbers."""
    return tuple(Column(name, Integer, nullable=False) for name in names)


documents = beside(
    "documents",
    *words("project", "kind", "key"),
    *counts("revision"),
    *words("digest", "body", "at", "actor"),
    Column("removed", Boolean, nullable=False),
    once="project kind key revision",
)
lives = beside(
    "lives",
    *words("project", "environment", "experiment"),
    *counts("revision"),
    *words("state"),
    *counts("version", "phase"),
    *(Column(name, Text) for name in ("plan", "started", "closed", "ended")),
    *words("details", "at", "actor"),
    once="project environment experiment revision",
)
plans = beside(
    "plans",
    *words("project", "experiment"),
    *counts("version", "amendment"),
    *words("digest", "body", "facts", "at", "actor"),
    once="project experiment version amendment",
)
rulesets = beside(
    "rulesets",
    *words("project", "environment"),
    *counts("version"),
    *words("digest"),
    Column("document", LargeBinary, nullable=False),
    *words("at", "actor"),
    once="project environment version",
)
keys = beside(
    "keys",
    *words("name", "public"),
    Column("retired", Boolean, nullable=False),
    *words("at", "actor"),
    once="name retired",
)
tokens = beside("tokens", *words("token", "purpose"), *counts("entries"), once="token")

BESIDE = {table.name: table for table in (documents, keys, lives, plans, rulesets, tokens)}
"""The tables beside the chain, by name."""
