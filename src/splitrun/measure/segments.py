"""Segments: the raw label of a row, and which labels are shown by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlglot import exp

from splitrun.measure.kinds import Reading
from splitrun.measure.measured import Codes
from splitrun.measure.parts import condition
from splitrun.measure.rows.crossing import Crossing, Label, crossed
from splitrun.measure.sql import Work, choice, column, falling, relation, select, text, tree, whole
from splitrun.moments import IntArray
from splitrun.spec.plan import Plan, PlannedSegment
from splitrun.terms.tree import Kind

__all__ = [
    "MISSING",
    "MOST",
    "ONE",
    "OTHER",
    "Levels",
    "dimensions",
    "is_text",
    "label",
    "levels",
    "named",
    "raw",
    "relabelled",
    "shown",
]

MISSING, OTHER = "(missing)", "other"
MOST = 20
"""Levels shown by name where the segment does not choose; by size, the rest is `other`."""
LONGEST = 80
NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, line separators and marks that turn the direction of writing."""


@dataclass(frozen=True, slots=True)
class Levels:
    """One dimension of the cells: raw labels that have a code of their own, and what each code is called."""

    raw: tuple[str, ...]
    """Raw label of codes 0, 1, …; one code more is everything else."""
    names: tuple[str, ...]
    """What each code is called, one more than `raw`; two codes may share a name."""

    @property
    def width(self) -> int:
        """How many codes there are."""
        return len(self.names)

    def code(self, name: str) -> exp.Expr:
        """The code of the label in a column."""
        return choice(
            (
                (tree(":c = :t", c=column(name, "u"), t=text(raw)), whole(code))
                for code, raw in enumerate(self.raw)
            ),
            otherwise=whole(len(self.raw)),
        )

    def found(self, raw: exp.Expr) -> exp.Expr:
        """The code of a raw text that is its label; null where it is missing, or has no code of its own.

        Asked of a column of a file as it stands, DuckDB looks once at each text and not at each row.
        """
        listed = exp.Array(expressions=[text(each) for each in self.raw])
        return tree("LIST_POSITION(:listed, CAST(:c AS TEXT)) - 1", listed=listed, c=raw)

    def place(self, name: str, labels: tuple[str, ...]) -> exp.Expr:
        """The place among some labels of what the label in a column is called; null if it is none of them."""
        places = [whole(labels.index(each)) if each in labels else exp.null() for each in self.names]
        cases = (
            (tree(":c = :t", c=column(name, "u"), t=text(raw)), places[at]) for at, raw in enumerate(self.raw)
        )
        return choice(cases, otherwise=places[-1])

    def codes(self, code: IntArray) -> Codes:
        """Codes of cells as labels: those of one name become one, those that no cell has are left out."""
        used = sorted(set(code.tolist()))
        labels = tuple(dict.fromkeys(self.names[each] for each in used))
        place = np.zeros(self.width, dtype=np.int64)
        for each in used:
            place[each] = labels.index(self.names[each])
        return Codes(labels=labels, code=place[code])


ONE = Levels(raw=(), names=("",))
"""What does not cut at all."""


def shown(raw: str) -> str:
    """A label as it may be shown: no control characters, at most 80 characters."""
    clean = CONTROL.sub("", raw)
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"


def label(reading: Reading, planned: PlannedSegment) -> exp.Expr:
    """The raw label of an exposure row, as text and never null."""
    segment, wanted = planned.segment, f"segments.{planned.key}"
    if segment.values is not None:
        attribute = reading.attribute(segment.values, wanted)
        return tree(
            "COALESCE(NULLIF(:label, ''), :missing)", label=attribute.written("r"), missing=text(MISSING)
        )
    test = condition(reading, segment.when or "", "r", wanted)
    return tree(
        "CASE WHEN :w THEN 'true' WHEN NOT :w THEN 'false' ELSE :missing END", w=test, missing=text(MISSING)
    )


def relabelled(reading: Reading, planned: PlannedSegment, name: str) -> exp.Expr:
    """The label of a unit, as `label` gives it, where the raw cell stands in a column of another name."""
    if planned.segment.values is None:
        return column(name, "u")
    attribute = replace(reading.attribute(planned.segment.values, f"segments.{planned.key}"), name=name)
    return tree("COALESCE(NULLIF(:label, ''), :missing)", label=attribute.written("u"), missing=text(MISSING))


def raw(reading: Reading, planned: PlannedSegment) -> exp.Expr:
    """What a row's label is made of: the cell as it stands, or the label where a condition makes it."""
    if planned.segment.values is None:
        return label(reading, planned)
    return reading.attribute(planned.segment.values, f"segments.{planned.key}").at("r")


def is_text(reading: Reading, planned: PlannedSegment) -> bool:
    """Whether a row's label is a text that stands in a column."""
    if planned.segment.values is None:
        return False
    return reading.attribute(planned.segment.values, f"segments.{planned.key}").kind is Kind.TEXT


def dimensions(
    work: Work, table: str, plan: Plan, cuts: Sequence[Label]
) -> tuple[dict[str, Levels], Levels, Crossing | None]:
    """What a table of units is cut by: levels by segment, those of the phases, and which stand together."""
    crossing = crossed(work, table, cuts)
    found = {
        planned.key: levels(work, f"s{place}", table, planned, crossing)
        for place, planned in enumerate(plan.segments)
    }
    phased = plan.exposures is not None and plan.exposures.phase
    return found, levels(work, "phase", table, crossing=crossing) if phased else ONE, crossing


def levels(
    work: Work, name: str, table: str, planned: PlannedSegment | None = None, crossing: Crossing | None = None
) -> Levels:
    """Choose the levels shown by name, the largest: numbers in their own order, else by size."""
    if planned is not None and planned.segment.keep is not None:
        return _named((*planned.segment.keep, MISSING))
    what = "phases" if planned is None else f"levels of {planned.key}"
    sizes = _sizes(work, name, table, what) if crossing is None else crossing.sizes[name]
    found = [label for label, _ in sizes[: MOST + 2]]
    plain = [raw for raw in found if raw != MISSING][:MOST]
    if all(NUMBER.fullmatch(raw) for raw in plain):
        plain.sort(key=float)
    return _named((*plain, MISSING))


def _sizes(work: Work, name: str, table: str, what: str) -> list[tuple[str, int]]:
    query = (
        select([("label", column(name, "u")), ("units", tree("COUNT(*)"))], relation(table, "u"))
        .group_by(column(name, "u"))
        .order_by(falling(tree("COUNT(*)")), column(name, "u"))
        .limit(whole(MOST + 2))
    )
    return [(str(row["label"]), int(row["units"])) for row in work.ask(what, query).to_pylist()]


def _named(raw: tuple[str, ...]) -> Levels:
    unique = tuple(dict.fromkeys(raw))
    return Levels(raw=unique, names=(*named(unique), OTHER))


def named(raw: tuple[str, ...]) -> tuple[str, ...]:
    """What raw labels are called: as they are shown, and two that would be shown alike stay two.

    A label that is shown as it is written keeps its name; one that was cut or cleaned gives way.
    """
    taken = {OTHER, *(each for each in raw if shown(each) == each)}
    names: list[str] = []
    for each in raw:
        name, turn = shown(each), 1
        while name != each and name in taken:
            turn += 1
            name = f"{shown(each)} #{turn}"
        taken.add(name)
        names.append(name)
    return tuple(names)
