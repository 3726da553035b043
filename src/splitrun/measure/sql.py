"""SQL as trees: templates whose holes are filled with expressions; no name or value is ever pasted in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB

from splitrun.measure.engine import Engine
from splitrun.measure.measured import Statement

__all__ = [
    "Work",
    "choice",
    "column",
    "every",
    "falling",
    "later",
    "number",
    "relation",
    "select",
    "text",
    "titled",
    "tree",
    "until",
    "whole",
]


@lru_cache(maxsize=512)
def _template(written: str) -> exp.Expr:
    found = sqlglot.parse_one(written, dialect=DuckDB)
    # `x > 1` alone is read as a column of a table without a name
    return found.unalias()


def tree(template: str, **holes: exp.Expr) -> exp.Expr:
    """Fill the `:name` holes of a template of our own; what fills them stays a tree."""
    # replacing copies the template
    return exp.replace_placeholders(_template(template), **holes)


def column(name: str, table: str | None = None) -> exp.Expr:
    """Name a column, quoted."""
    return exp.column(name, table=table, quoted=True)


def relation(name: str, alias: str) -> exp.Table:
    """Name a relation, quoted, under an alias."""
    return exp.Table(
        this=exp.to_identifier(name, quoted=True),
        alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)),
    )


def text(value: str) -> exp.Expr:
    """Write a text literal."""
    return exp.Literal.string(value)


def whole(value: int) -> exp.Expr:
    """Write a whole number, below zero as well."""
    return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))


def number(value: float) -> exp.Expr:
    """Write a double, so that no engine takes it for a decimal."""
    return tree("CAST(:n AS DOUBLE)", n=exp.Literal.number(f"{value:.17e}"))


def choice(cases: Iterable[tuple[exp.Expr, exp.Expr]], otherwise: exp.Expr | None = None) -> exp.Expr:
    """Write CASE WHEN; without any case it is what stands otherwise."""
    listed = [exp.If(this=when, true=then) for when, then in cases]
    if not listed:
        return otherwise or exp.null()
    return exp.Case(ifs=listed, default=otherwise)


def every(conditions: Sequence[exp.Expr]) -> exp.Expr:
    """All of these; true where there are none."""
    return exp.and_(*conditions) if conditions else exp.true()


def until(name: str, limit: int | None) -> exp.Expr:
    """Whether a moment is not after a limit; true without one."""
    return exp.true() if limit is None else tree(f"{name} <= :limit", limit=whole(limit))


def later(name: str, now: int | None) -> exp.Expr:
    """Count the rows whose moment has not come yet."""
    return whole(0) if now is None else tree(f"COUNT_IF({name} > :now)", now=whole(now))


def falling(by: exp.Expr) -> exp.Expr:
    """Order from the largest to the smallest."""
    return exp.Ordered(this=by, desc=True, nulls_first=False)


def titled(name: str, value: exp.Expr) -> exp.Alias:
    """Give an expression a name, quoted."""
    # not `exp.alias_`, which copies: most of what writing SQL costs would be copies of trees nobody keeps
    return exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True))


def select(listed: Sequence[tuple[str, exp.Expr]], source: exp.Expr) -> exp.Select:
    """Select expressions under names."""
    columns = [titled(name, value) for name, value in listed]
    return exp.Select().select(*columns, copy=False).from_(source, copy=False)


@dataclass(slots=True)
class Work:
    """An engine and the statements it was given, in order."""

    engine: Engine
    done: list[Statement] = field(default_factory=list)
    made: set[str] = field(default_factory=set)
    """The names under which rows are kept, or queries."""

    def ask(self, name: str, query: exp.Query) -> pa.Table:
        """Run a query and give its rows."""
        return self.engine.run(self._written(name, query))

    def rows(self, name: str, query: exp.Query) -> Iterator[pa.RecordBatch]:
        """Run a query and give its rows batch by batch, where the engine can."""
        return self.engine.rows(self._written(name, query))

    def one(self, name: str, query: exp.Query) -> dict[str, int | float | str | None]:
        """Run a query that gives one row."""
        row: dict[str, int | float | str | None] = self.ask(name, query).to_pylist()[0]
        return row

    def keep(self, name: str, kept: str, query: exp.Query) -> None:
        """Run a query and keep its rows under a name."""
        self.engine.keep(kept, self._written(name, query))
        self.made.add(kept)

    def name(self, name: str, kept: str, query: exp.Query) -> None:
        """Give a query a name under which it is run anew wherever it is used."""
        self.engine.name(kept, self._written(name, query))
        self.made.add(kept)

    def extend(self, name: str, kept: str, query: exp.Query) -> None:
        """Run a query and add its rows to those kept under a name."""
        self.engine.extend(kept, self._written(name, query))

    def forget(self, kept: str) -> None:
        """Let go of a name, if it was given, and of the rows kept under it."""
        if kept in self.made:
            self.engine.forget(kept)
            self.made.remove(kept)

    def again(self, after: int) -> None:
        """Let go of every name, and of what was done after the first so many statements."""
        for kept in sorted(self.made):
            self.forget(kept)
        del self.done[after:]

    def _written(self, name: str, query: exp.Query) -> str:
        written = query.sql(dialect=self.engine.dialect, pretty=True)
        self.done.append(Statement(name=name, sql=written))
        return written
