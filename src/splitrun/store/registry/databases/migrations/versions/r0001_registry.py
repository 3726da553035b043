"""The chain, and the tables beside it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["branch_labels", "depends_on", "down_revision", "downgrade", "revision", "upgrade"]

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BESIDE = ("documents", "lives", "plans", "rulesets", "keys", "tokens")


def upgrade() -> None:
    """Make the tables."""
    chain()
    beside(
        "documents",
        *words("project", "kind", "key"),
        *counts("revision"),
        *words("digest", "body", "at", "actor"),
        sa.Column("removed", sa.Boolean, nullable=False),
        once="project kind key revision",
    )
    beside(
        "lives",
        *words("project", "environment", "experiment"),
        *counts("revision"),
        *words("state"),
        *counts("version", "phase"),
        *maybe("plan", "started", "closed", "ended"),
        *words("details", "at", "actor"),
        once="project environment experiment revision",
    )
    beside(
        "plans",
        *words("project", "experiment"),
        *counts("version", "amendment"),
        *words("digest", "body", "facts", "at", "actor"),
        once="project experiment version amendment",
    )
    served()


def served() -> None:
    """Make the tables of what others are handed: rulesets, keys, and answers to changes sent twice."""
    beside(
        "rulesets",
        *words("project", "environment"),
        *counts("version"),
        *words("digest"),
        sa.Column("document", sa.LargeBinary, nullable=False),
        *words("at", "actor"),
        once="project environment version",
    )
    beside(
        "keys",
        *words("name", "public"),
        sa.Column("retired", sa.Boolean, nullable=False),
        *words("at", "actor"),
        once="name retired",
    )
    beside("tokens", *words("token", "purpose"), *counts("entries"), once="token")


def chain() -> None:
    """Make the table of entries."""
    op.create_table(
        "entries",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
        *words("at", "actor", "verb"),
        *maybe("project", "environment"),
        *words("subject"),
        *maybe("reason"),
        *words("content"),
        sa.Column("previous", sa.Text, nullable=False, unique=True),
        sa.Column("hash", sa.Text, nullable=False, unique=True),
        *words("key", "signature"),
    )


def downgrade() -> None:
    """Take the tables away; `migrating` lets nobody do so while they hold anything."""
    for name in (*reversed(BESIDE), "entries"):
        op.drop_table(name)


def beside(
    name: str, *columns: sa.Column[str] | sa.Column[int] | sa.Column[bool] | sa.Column[bytes], once: str
) -> None:
    """Make a table of rows that belong to entries."""
    op.create_table(
        name,
        sa.Column("entry", NUMBER, sa.ForeignKey("entries.number"), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("entry", "place", name=f"{name}_pkey"),
        sa.UniqueConstraint(*once.split(), name=f"{name}_once"),
    )


def words(*names: str) -> tuple[sa.Column[str], ...]:
    """Columns of text that are never empty."""
    return tuple(sa.Column(name, sa.Text, nullable=False) for name in names)


def maybe(*names: str) -> tuple[sa.Column[str], ...]:
    """Columns of text that may be empty."""
    return tuple(sa.Column(name, sa.Text) for name in names)


def counts(*names: str) -> tuple[sa.Column[int], ...]:
    """Columns of whole numbers."""
    return tuple(sa.Column(name, sa.Integer, nullable=False) for name in names)
