"""What a column's values are (text, numbers, booleans, times), and how each is read from how it is stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from sqlglot import exp

from splitrun.errors import DataError
from splitrun.measure.engine import Field, Loaded, Stored
from splitrun.measure.sql import Work, column, relation, select, text, tree, whole
from splitrun.terms.rendering import Bound
from splitrun.terms.tree import Kind

__all__ = ["LARGEST", "Attribute", "Reading", "labelled", "read"]

LARGEST = "1e100"
"""Numbers beyond it count as not finite: their squares could no longer be added up in 64 bits."""

MARKS = r"^\s*(NA|N/A|NULL|null|None)\s*$"
"""Read as missing in numeric, boolean and time columns of a CSV; in text they stay text (NA is Namibia)."""
NUMBER = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$|^\s*(?i:[+-]?(inf|infinity|nan))\s*$"
WHOLE = r"^\s*[+-]?[0-9]+\s*$"
PADDED = r"^\s*[+-]?0[0-9]"
"""007 is a label and no number: read as a number, it would be the same as 7."""
SPARE = r"^(0|-?[1-9][0-9]*)\.0*$"
"""A whole number with a spare point; 007.0 and 1e3 are labels where they stand among text."""
LONG = r"^\s*[+-]?[0-9]{17,}\s*$"
"""Whole numbers that a 64-bit float would round."""
ZONED = r":[0-9.]+(Z| UTC|[+-][0-9]{2}(:?[0-9]{2})?)$"
TIME = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z| UTC|[+-][0-9]{2}(:?[0-9]{2})?)?)?$"
)

ENOUGH = 0.95
"""Share of the filled cells that must read as numbers for a column of a CSV to be numeric."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column, how it is stored, what it means, and how many cells do not fit that."""

    name: str
    stored: Stored
    kind: Kind
    whole: bool = False
    """Every value is a whole number within 64 bits."""
    strays: int = 0
    examples: tuple[str, ...] = ()
    inferred: bool = False
    """From a CSV, where every cell is text."""
    empty: bool = False
    """A column of a CSV without a filled cell: it may be of any kind."""

    def at(self, alias: str) -> exp.Expr:
        """The column as it is stored."""
        return column(self.name, alias)

    def written(self, alias: str) -> exp.Expr:
        """The value as text, byte for byte; numbers in one form, so that 1.0 and 1 are the same."""
        cell = self.at(alias)
        if self.whole:
            return tree("CAST(TRY_CAST(:c AS BIGINT) AS TEXT)", c=cell)
        match self.stored:
            case Stored.BIG:
                return tree("CAST(:c AS TEXT)", c=cell)
            case Stored.DECIMAL:
                exact = tree(
                    "CASE WHEN :c = FLOOR(:c) THEN CAST(TRY_CAST(:c AS HUGEINT) AS TEXT) END", c=cell
                )
                return tree("COALESCE(:exact, :other)", exact=exact, other=_canonical(self.number(alias)))
            case _ if self.kind is Kind.NUMBER and not self.strays:
                return _canonical(self.number(alias))
            case _ if self.kind is Kind.NUMBER:
                # cell by cell: an id that is no number is still an id, and changes no other
                return tree("COALESCE(:n, CAST(:c AS TEXT))", n=_canonical(self.number(alias)), c=cell)
            case _:
                pass
        return tree("CAST(:c AS TEXT)", c=cell)

    def identity(self, alias: str) -> exp.Expr:
        """The value as a unit's id: among the text of a CSV 3.0 is 3, whatever stands beside it."""
        if not self.inferred or self.kind is not Kind.TEXT:
            return self.written(alias)
        return tree(
            "CASE WHEN REGEXP_MATCHES(:c, :spare) THEN SPLIT_PART(:c, '.', 1) ELSE :c END",
            c=self.at(alias), spare=text(SPARE),
        )  # fmt: skip

    def number(self, alias: str) -> exp.Expr:
        """The value as a 64-bit float; null where it is none. May be NaN or infinite."""
        cell = self.at(alias)
        match self.stored:
            case Stored.TEXT if self.kind is Kind.BOOLEAN:
                return tree("CAST(TRY_CAST(:c AS BOOLEAN) AS DOUBLE)", c=cell)
            case Stored.TEXT:
                return tree(
                    "CASE WHEN REGEXP_MATCHES(:c, :number) THEN TRY_CAST(:c AS DOUBLE) END",
                    c=cell,
                    number=text(NUMBER),
                )
            case Stored.BOOLEAN | Stored.WHOLE | Stored.BIG | Stored.DECIMAL | Stored.NUMBER:
                return tree("CAST(:c AS DOUBLE)", c=cell)
            case _:
                return tree("CAST(NULL AS DOUBLE)")

    def zoned(self, alias: str) -> exp.Expr:
        """Whether the time names its zone."""
        match self.stored:
            case Stored.TEXT:
                return tree("REGEXP_MATCHES(TRIM(:c), :zoned)", c=self.at(alias), zoned=text(ZONED))
            case Stored.MOMENT:
                return exp.true()
            case _:
                return exp.false()

    def unreadable(self, alias: str, timezone: str) -> exp.Expr | None:
        """Whether a cell holds text where its kind belongs; None where no cell can."""
        cell = self.at(alias)
        text_there = "NULLIF(:c, '') IS NOT NULL AND NOT REGEXP_MATCHES(:c, :marks)"
        holes = {"c": cell, **_PATTERNS}
        match self.kind:
            case Kind.NUMBER if self.strays:
                return tree(f"{text_there} AND NOT REGEXP_MATCHES(:c, :number)", **holes)
            case Kind.TIME if self.stored is Stored.TEXT:
                return tree(f"{text_there} AND (:at) IS NULL", at=self.moment(alias, timezone), **holes)
            case _:
                return None

    def moment(self, alias: str, timezone: str) -> exp.Expr:
        """The time in microseconds since 1970 UTC; null where it cannot be read."""
        cell, zone = self.at(alias), text(timezone)
        match self.stored:
            case Stored.TEXT:
                return tree(
                    "CASE WHEN NOT REGEXP_MATCHES(TRIM(:c), :time) THEN NULL "
                    "WHEN :zoned THEN EPOCH_US(TRY_CAST(TRIM(:c) AS TIMESTAMPTZ)) "
                    "ELSE EPOCH_US(TIMEZONE(:zone, TRY_CAST(TRIM(:c) AS TIMESTAMP))) END",
                    c=cell, zone=zone, zoned=self.zoned(alias), time=text(TIME),
                )  # fmt: skip
            case Stored.MOMENT:
                return tree(
                    "CASE WHEN ISFINITE(:c) THEN EPOCH_US(:c) END", c=tree("CAST(:c AS TIMESTAMPTZ)", c=cell)
                )
            case _:
                return tree(
                    "CASE WHEN ISFINITE(:c) THEN EPOCH_US(TIMEZONE(:zone, CAST(:c AS TIMESTAMP))) END",
                    c=cell, zone=zone,
                )  # fmt: skip

    def bound(self, alias: str, timezone: str) -> Bound:
        """The column as an expression sees it."""
        match self.kind:
            case Kind.TEXT:
                return Bound(exp.paren(self.written(alias), copy=False), self.kind)
            case Kind.NUMBER:
                return Bound(exp.paren(self.number(alias), copy=False), self.kind)
            case Kind.BOOLEAN:
                return Bound(
                    exp.paren(tree("TRY_CAST(:c AS BOOLEAN)", c=self.at(alias)), copy=False), self.kind
                )
            case Kind.TIME:
                local = tree(
                    "TIMEZONE(:zone, TIMEZONE('UTC', MAKE_TIMESTAMP(:us)))",
                    zone=text(timezone), us=self.moment(alias, timezone),
                )  # fmt: skip
                return Bound(exp.paren(local, copy=False), self.kind)


def _canonical(number: exp.Expr) -> exp.Expr:
    return tree(
        "CASE WHEN ABS(:n) < 9007199254740992 AND :n = FLOOR(:n) THEN CAST(CAST(:n AS BIGINT) AS TEXT) "
        "ELSE CAST(:n AS TEXT) END",
        n=number,
    )


def labelled(attribute: Attribute, label: str | float | bool) -> exp.Expr:  # noqa: FBT001  # a value from the plan, no switch
    """Whether a cell is this label: as numbers in a numeric column, else as text."""
    written = str(label).lower() if label is True or label is False else f"{label}"
    match attribute.kind:
        case Kind.NUMBER:
            try:
                number = float(written) if written not in {"true", "false"} else float(written == "true")
            except ValueError:
                return exp.false()
            return tree(":c = :n", c=attribute.number("r"), n=exp.Literal.number(repr(number)))
        case Kind.BOOLEAN:
            meant = {
                "true": "true",
                "1": "true",
                "1.0": "true",
                "false": "false",
                "0": "false",
                "0.0": "false",
            }
            return tree(
                "LOWER(CAST(:c AS TEXT)) = :t",
                c=attribute.at("r"),
                t=text(meant.get(written.lower(), written)),
            )
        case _:
            return tree(":c = :t", c=attribute.written("r"), t=text(written))


@dataclass(frozen=True, slots=True)
class Reading:
    """A loaded source with the meaning of the columns that a plan uses."""

    key: str
    loaded: Loaded
    timezone: str
    attributes: Mapping[str, Attribute]

    def attribute(self, name: str, wanted: str) -> Attribute:
        """The column of that name.

        Raises:
            DataError: There is none; `wanted` says what it was wanted for.
        """
        try:
            return self.attributes[name]
        except KeyError:
            there = [field.name for field in self.loaded.fields]
            for field in self.loaded.fields:
                if field.name == name:
                    raise DataError(
                        f"{self.key}: the column {name!r}, which {wanted} names, holds "
                        f"{_held(field.written)}, which cannot be read as a number, a text or a time; "
                        "take out one value in a query"
                    ) from None
            raise DataError(
                f"{self.key}: there is no column {name!r}, which {wanted} names; {_suggestion(name, there)}"
            ) from None

    def bound(self, names: Collection[str], alias: str, wanted: str) -> dict[str, Bound]:
        """The columns that an expression uses."""
        return {name: self.attribute(name, wanted).bound(alias, self.timezone) for name in names}

    def unread(self, work: Work, name: str) -> tuple[int, tuple[str, ...]]:
        """Filled cells of a text column that are no numbers: how many, and examples."""
        cell = column(name, "r")
        count = work.one(
            f"text read as numbers in {self.key}",
            select([("rows", tree(_STRAY, c=cell, **_PATTERNS))], relation(self.loaded.relation, "r")),
        )["rows"]
        rows = int(count or 0)
        return rows, _examples(work, self.key, self.loaded, name) if rows else ()


_STRAY = "COUNT_IF(:c <> '' AND NOT REGEXP_MATCHES(:c, :number) AND NOT REGEXP_MATCHES(:c, :marks))"


HELD = {"STRUCT": "structures", "MAP": "maps", "BLOB": "bytes", "INTERVAL": "durations", "UNION": "unions"}


def _held(kind: str) -> str:
    """What a column of a type of no use holds, in words."""
    if kind.endswith("]"):
        return f"lists ({kind[:40]})"
    first = kind.split("(", 1)[0]
    word = "times of day" if first.startswith("TIME") else HELD.get(first, "values")
    return f"{word} ({kind[:40]})"


def _suggestion(name: str, there: list[str]) -> str:
    near = get_close_matches(name, there, n=1)
    listed = ", ".join(there[:12]) + (", …" if len(there) > 12 else "")
    return f"did you mean {near[0]!r}?" if near else f"its columns are {listed}"


KINDS = {
    Stored.TEXT: Kind.TEXT,
    Stored.WHOLE: Kind.NUMBER,
    Stored.BIG: Kind.NUMBER,
    Stored.DECIMAL: Kind.NUMBER,
    Stored.NUMBER: Kind.NUMBER,
    Stored.BOOLEAN: Kind.BOOLEAN,
    Stored.DAY: Kind.TIME,
    Stored.TIME: Kind.TIME,
    Stored.MOMENT: Kind.TIME,
}


def read(work: Work, key: str, loaded: Loaded, names: Collection[str], timezone: str) -> Reading:
    """Find out what the named columns hold; those of a CSV are looked through from first to last row."""
    fields = [field for field in loaded.fields if field.name in names and field.stored in KINDS]
    known = {
        field.name: Attribute(
            field.name, field.stored, KINDS[field.stored], whole=field.stored is Stored.WHOLE
        )
        for field in fields
    }
    known |= _inferred(work, key, loaded, [field for field in fields if field.inferred or not loaded.typed])
    return Reading(key=key, loaded=loaded, timezone=timezone, attributes=known)


def _inferred(work: Work, key: str, loaded: Loaded, fields: list[Field]) -> dict[str, Attribute]:
    if not fields:
        return {}
    counted: list[tuple[str, exp.Expr]] = []
    for place, field in enumerate(fields):
        cell = column(field.name, "r")
        for sign, test in _TESTS.items():
            counted.append((f"{sign}{place}", tree(test, c=cell, **_PATTERNS)))
    counts = work.one(f"kinds of {key}", select(counted, relation(loaded.relation, "r")))
    known = {}
    for place, field in enumerate(fields):
        tally = {sign: int(counts[f"{sign}{place}"] or 0) for sign in _TESTS}
        known[field.name] = _judged(work, key, loaded, field, tally)
    return known


_PATTERNS: dict[str, exp.Expr] = {
    "marks": text(MARKS),
    "number": text(NUMBER),
    "whole": text(WHOLE),
    "padded": text(PADDED),
    "long": text(LONG),
    "time": text(TIME),
}

_TESTS = {
    "filled": "COUNT(:c)",
    "marks": "COUNT_IF(REGEXP_MATCHES(:c, :marks))",
    "number": "COUNT_IF(REGEXP_MATCHES(:c, :number))",
    "whole": "COUNT_IF(REGEXP_MATCHES(:c, :whole) AND TRY_CAST(:c AS BIGINT) IS NOT NULL)",
    "padded": "COUNT_IF(REGEXP_MATCHES(:c, :padded))",
    "long": "COUNT_IF(REGEXP_MATCHES(:c, :long))",
    "boolean": "COUNT_IF(LOWER(:c) IN ('true', 'false'))",
    "time": "COUNT_IF(REGEXP_MATCHES(TRIM(:c), :time))",
}


def _judged(work: Work, key: str, loaded: Loaded, field: Field, tally: Mapping[str, int]) -> Attribute:
    filled = tally["filled"] - tally["marks"]
    labels = tally["padded"] or (tally["long"] and tally["whole"] < filled)
    if filled and tally["boolean"] == filled:
        return Attribute(field.name, field.stored, Kind.BOOLEAN)
    if filled and tally["time"] == filled:
        return Attribute(field.name, field.stored, Kind.TIME)
    if filled and tally["number"] >= ENOUGH * filled and not labels:
        strays = filled - tally["number"]
        examples = _examples(work, key, loaded, field.name) if strays else ()
        whole = tally["whole"] == filled
        return Attribute(field.name, field.stored, Kind.NUMBER, whole, strays, examples, inferred=True)
    return Attribute(field.name, field.stored, Kind.TEXT, inferred=True, empty=not filled)


def _examples(work: Work, key: str, loaded: Loaded, name: str) -> tuple[str, ...]:
    cell = column(name, "r")
    query = select([("cell", cell)], relation(loaded.relation, "r"))
    query = query.where(
        tree(
            "NOT REGEXP_MATCHES(:c, :number) AND NOT REGEXP_MATCHES(:c, :marks) AND :c <> ''",
            c=cell,
            **_PATTERNS,
        )
    ).distinct()
    query = query.order_by(tree("cell")).limit(whole(3))
    return tuple(str(row["cell"])[:80] for row in work.ask(f"text in {key}", query).to_pylist())
