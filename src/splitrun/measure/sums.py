"""Sums that were made elsewhere: a table with a row per variant, or per variant and segment level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from sqlglot import exp

from splitrun.errors import DataError
from splitrun.measure.engine import Loaded
from splitrun.measure.kinds import Reading, labelled, read
from splitrun.measure.measured import Cells, Codes, Column, Dirt, Measured, SourceFacts
from splitrun.measure.segments import named
from splitrun.measure.sql import Work, choice, relation, select, tree, whole
from splitrun.moments import Moments
from splitrun.spec.plan import Plan
from splitrun.spec.source import MeanSums, MomentsTable, RatioSums

__all__ = ["summed"]

MOMENTS = "moments"
"""What the table is called in messages and in the readout."""

SLACK = 1e-9
"""How far a sum of squares may fall short of what its sum demands, relative to itself: rounding."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    place: int
    """Counted from 1."""
    variant: int
    segment: str | None
    n: float
    sums: Mapping[str, tuple[float, ...]]
    """By metric: sums of its columns, then those of squares and products, an upper triangle row by row."""

    def __str__(self) -> str:
        return f"row {self.place}"


def summed(work: Work, plan: Plan, table: MomentsTable) -> Measured:
    """Read a table of sums as moments.

    Raises:
        DataError: A row cannot be true (n is no count, a sum of squares is too small for its sum), a row
            stands twice, or the segment rows do not add up to the whole.
    """
    loaded = work.engine.load({MOMENTS: table})[MOMENTS]
    rows, unknown, no_variant = _rows(work, plan, table, loaded)
    if not rows:
        raise DataError(
            f"{MOMENTS}: no row has a variant of the plan; check `{table.variant}` and `variants:`"
        )
    _refuse_twins(plan, rows)
    _refuse_impossible_shares(plan, rows)
    cells = _chosen(plan, rows)
    counts = np.zeros(len(plan.variants), dtype=np.int64)
    np.add.at(counts, [row.variant for row in cells], [int(row.n) for row in cells])
    raw = tuple(dict.fromkeys(row.segment or "" for row in cells))
    labels, code = named(raw), np.array([raw.index(row.segment or "") for row in cells])
    nothing = np.zeros(len(plan.variants), dtype=np.int64)
    segments = {planned.key: Codes(labels=labels, code=code) for planned in plan.segments[:1]}
    if table.segment is not None and not segments and labels != ("",):
        segments = {table.segment: Codes(labels=labels, code=code)}
    return Measured(
        cells=Cells(
            variant=Codes(
                labels=tuple(variant.key for variant in plan.variants),
                code=np.array([row.variant for row in cells], dtype=np.int64),
            ),
            segments=segments,
            phase=Codes(labels=("",), code=np.zeros(len(cells), dtype=np.int64)),
            units=np.array([int(row.n) for row in cells], dtype=np.int64),
        ),
        columns={
            planned.key: Column(_moments(cells, planned.key), immature=nothing, missing=nothing)
            for planned in plan.metrics
        },
        exposed=counts,
        dirt=Dirt(exposure_rows=loaded.rows, no_variant=no_variant, unknown_variants=unknown),
        sources=(SourceFacts(MOMENTS, table.form, table.where, loaded.rows, loaded.digest),),
        sql=tuple(work.done),
        as_of=None,
        first_exposure=None,
        last_exposure=None,
    )


def _wanted(plan: Plan, table: MomentsTable) -> dict[str, tuple[str, ...]]:
    """By metric: the columns with its sums, then those with squares and products."""
    named: dict[str, tuple[str, ...]] = {}
    for planned in plan.metrics:
        match table.metrics.get(planned.key):
            case None:
                raise DataError(
                    f"{MOMENTS}: no sums are named for the metric {planned.key!r}; add it to moments.metrics"
                )
            case MeanSums() as sums:
                named[planned.key] = (sums.sum, sums.sumsq)
            case RatioSums() as sums:
                named[planned.key] = (
                    sums.sum_num, sums.sum_den, sums.sumsq_num, sums.sum_num_den, sums.sumsq_den,
                )  # fmt: skip
    return named


def _rows(
    work: Work, plan: Plan, table: MomentsTable, loaded: Loaded
) -> tuple[list[Row], tuple[tuple[str, int], ...], int]:
    wanted = _wanted(plan, table)
    used = {table.variant, table.n, *(name for listed in wanted.values() for name in listed)}
    used |= {table.segment} if table.segment is not None else set()
    reading = read(work, MOMENTS, loaded, used, plan.timezone)
    found = work.ask("sums", _query(plan, table, reading, wanted)).to_pylist()
    rows: list[Row] = []
    unknown: dict[str, int] = {}
    no_variant = 0
    for place, each in enumerate(found, start=1):
        if each["label"] is None:
            no_variant += 1
        elif each["rank"] is None:
            unknown[str(each["label"])] = unknown.get(str(each["label"]), 0) + 1
        else:
            rows.append(_row(place, each, wanted))
    return rows, tuple(unknown.items()), no_variant


def _query(
    plan: Plan, table: MomentsTable, reading: Reading, wanted: Mapping[str, tuple[str, ...]]
) -> exp.Select:
    attribute = reading.attribute(table.variant, "moments.variant")
    places = {variant.key: place for place, variant in enumerate(plan.variants)}
    labels = table.variants or {key: key for key in places}
    rank = choice(
        (labelled(attribute, label), whole(places[key])) for label, key in labels.items() if key in places
    )
    segment: exp.Expr = tree("CAST(NULL AS TEXT)")
    if table.segment is not None:
        segment = reading.attribute(table.segment, "moments.segment").written("r")
    named: list[tuple[str, exp.Expr]] = [
        ("label", tree("NULLIF(:label, '')", label=attribute.written("r"))),
        ("rank", rank),
        ("segment", segment),
        ("n", reading.attribute(table.n, "moments.n").number("r")),
    ]
    for place, (key, columns) in enumerate(wanted.items()):
        named += [
            (f"q{place}_{side}", reading.attribute(name, f"moments.metrics.{key}").number("r"))
            for side, name in enumerate(columns)
        ]
    return select(named, relation(reading.loaded.relation, "r"))


def _row(place: int, found: Mapping[str, float | str | None], wanted: Mapping[str, tuple[str, ...]]) -> Row:
    n = _number(found["n"])
    if n is None or n < 0 or n != int(n):
        raise DataError(
            f"{MOMENTS}: row {place}: n is {found['n']}; it must be a whole number of units, 0 or more"
        )
    sums: dict[str, tuple[float, ...]] = {}
    for at, (key, names) in enumerate(wanted.items()):
        values = [_number(found[f"q{at}_{side}"]) for side in range(len(names))]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            side = values.index(None)
            raise DataError(
                f"{MOMENTS}: row {place}: {names[side]} of {key} is {found[f'q{at}_{side}']}, "
                "not a finite number; "
                "sum over the units that have an outcome and give their number as n"
            )
        sums[key] = tuple(known)
    segment = found["segment"]
    return Row(place, int(found["rank"] or 0), None if segment is None else str(segment), n, sums)


def _number(value: float | str | None) -> float | None:
    return float(value) if value is not None and isfinite(float(value)) else None


def _refuse_twins(plan: Plan, rows: Sequence[Row]) -> None:
    seen: dict[tuple[int, str | None], Row] = {}
    for row in rows:
        twin = seen.setdefault((row.variant, row.segment), row)
        if twin is not row:
            level = "the whole" if row.segment is None else f"segment {row.segment!r}"
            raise DataError(
                f"{MOMENTS}: {twin} and {row} are both variant {plan.variants[row.variant].key!r}, {level}; "
                "give one row for each"
            )


def _refuse_impossible_shares(plan: Plan, rows: Sequence[Row]) -> None:
    """A share sums ones and zeros: its sum is a count of units, and the squares sum to the same."""
    shares = [planned.key for planned in plan.metrics if planned.metric.kind == "share"]
    for row in rows:
        for key in shares:
            total, squares = row.sums[key]
            slack = SLACK * max(abs(total), 1.0)
            if not -slack <= total <= row.n + slack or abs(squares - total) > slack:
                raise DataError(
                    f"{MOMENTS}: {row}: {key} is a share and has n {row.n:g}, sum {total:g} and "
                    f"sum of squares {squares:g}; sum 1 for each unit that has the outcome and 0 for the "
                    "others, so that the squares sum to the same, between 0 and n; or write kind: mean"
                )


def _chosen(plan: Plan, rows: Sequence[Row]) -> list[Row]:
    """The rows that make the cells: the segments where there are any, else the whole; both must agree."""
    cells: list[Row] = []
    for place, variant in enumerate(plan.variants):
        mine = [row for row in rows if row.variant == place]
        levels = [row for row in mine if row.segment is not None]
        for total in (row for row in mine if row.segment is None):
            counted = sum(row.n for row in levels)
            if levels and counted != total.n:
                raise DataError(
                    f"{MOMENTS}: variant {variant.key!r}: the segments have {counted:,.0f} units and "
                    f"the whole ({total}) has {total.n:,.0f}; a unit belongs to exactly one level"
                )
        cells += levels or mine
    return cells


def _moments(cells: Sequence[Row], key: str) -> Moments:
    return Moments.stacked([_centred(row, key) for row in cells])


def _centred(row: Row, key: str) -> Moments:
    values = row.sums[key]
    sides = 1 if len(values) == 2 else 2
    sums, squares = np.array(values[:sides]), np.zeros((sides, sides))
    squares[np.triu_indices(sides)] = values[sides:]
    squares = np.triu(squares) + np.triu(squares, 1).T
    n = max(row.n, 1.0)
    m2 = squares - np.outer(sums, sums) / n
    if row.n == 0 and any(values):
        raise DataError(
            f"{MOMENTS}: {row}: {key} has sums and n is 0; give the number of units that were summed"
        )
    for side in range(sides):
        if m2[side, side] < -SLACK * squares[side, side] or squares[side, side] < 0:
            raise DataError(
                f"{MOMENTS}: {row}: {key} has n {row.n:g}, sum {sums[side]:g} and sum of squares "
                f"{squares[side, side]:g}, which is less than sum²/n; sum the squares of each unit's total"
            )
        m2[side, side] = max(m2[side, side], 0.0)
    bound = np.sqrt(squares[0, 0] * squares[-1, -1])
    if sides == 2 and abs(squares[0, 1]) > bound * (1 + SLACK):
        raise DataError(
            f"{MOMENTS}: {row}: {key} has a sum of products of {squares[0, 1]:g}, more than its sums of "
            f"squares allow ({bound:g}); sum numerator times denominator over units"
        )
    return Moments(n=np.array([row.n]), mean=(sums / n)[None, :], m2=m2[None, :, :])
