"""The shared table of expressions, and DuckDB as the one who answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import msgspec
from sqlglot import exp

from splitrun.terms.rendering import Bound, rendered
from splitrun.terms.tree import Kind, Tree

__all__ = ["REFUSED", "TABLE", "Attribute", "Case", "Refused", "answer", "bound"]

Value = bool | int | float | str | None

TYPES = {Kind.TEXT: "VARCHAR", Kind.NUMBER: "DOUBLE", Kind.BOOLEAN: "BOOLEAN", Kind.TIME: "TIMESTAMP"}


class Attribute(msgspec.Struct, frozen=True):
    kind: Kind
    value: Value


class Case(msgspec.Struct, frozen=True):
    text: str
    attributes: dict[str, Attribute]
    result: Value


class Group(msgspec.Struct, frozen=True):
    group: str
    source: str
    cases: list[Case]


class Refused(msgspec.Struct, frozen=True):
    text: str
    at: int
    says: str


class Table(msgspec.Struct, frozen=True):
    form: str
    groups: list[Group]
    refused: list[Refused]


WHOLE = msgspec.json.decode(
    (Path(__file__).parents[1] / "vectors" / "expressions.json").read_bytes(), type=Table
)
TABLE = [(group.group, case) for group in WHOLE.groups for case in group.cases]
REFUSED = WHOLE.refused


def bound(attributes: Mapping[str, Attribute]) -> dict[str, Bound]:
    return {name: Bound(exp.column(name, quoted=True), of.kind) for name, of in attributes.items()}


def answer(engine: duckdb.DuckDBPyConnection, tree: Tree, attributes: Mapping[str, Attribute]) -> Value:
    """Ask DuckDB over a table of one row; what JSON has no number for travels as text."""
    sql = rendered(tree, bound(attributes)).sql("duckdb")
    row = ", ".join(
        f"CAST(? AS {TYPES[of.kind]}) AS {exp.to_identifier(name, quoted=True).sql('duckdb')}"
        for name, of in attributes.items()
    )
    values = [of.value for of in attributes.values()]
    query = f"SELECT {sql} FROM (SELECT {row or '1'})"  # noqa: S608 (the table is ours)
    value: Value = engine.execute(query, values).fetchall()[0][0]
    return value
