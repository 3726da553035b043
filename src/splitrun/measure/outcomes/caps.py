"""The most that a unit may count for: written, or a quantile that does not know the variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf

from sqlglot import exp

from splitrun.measure.engine import QUANTILES
from splitrun.measure.measured import CapOrigin
from splitrun.measure.outcomes.histograms import binned, bins
from splitrun.measure.outcomes.numbers import Numbers
from splitrun.measure.parts import Part, baselines, caps, parts
from splitrun.measure.rows.enrolment import MICROSECOND
from splitrun.measure.sql import Work, tree, whole
from splitrun.spec.metric import Cap
from splitrun.spec.plan import PlannedMetric

__all__ = ["Ceiling", "ceilings"]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The caps of a metric."""

    at: tuple[float, ...]
    """By part, infinity where it has none."""
    origin: CapOrigin
    """Of the parts, the one that knows most of the experiment."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A cap that is a quantile."""

    planned: PlannedMetric
    part: Part
    baseline: Part | None
    quantile: float
    name: str


def ceilings(work: Work, numbers: Numbers) -> dict[str, Ceiling]:
    """Find the caps of every metric that has one, by its key.

    A quantile is taken over the values that are not zero: of the analysed units in a window of the same
    length before their exposure, as far as the source reaches back, or else, over all variants together, of
    the units that had matured at the first planned look, or else of all that have matured. A step is passed
    over where it has too few values for the quantile to lie below the largest. It is no cap where it is not
    above zero.
    """
    wanted = [
        Wanted(planned, part, baseline, cap.quantile, f"{place}_{side}")
        for place, planned in enumerate(numbers.plan.metrics)
        for side, (part, baseline, cap) in enumerate(_sides(planned))
        if cap is not None and cap.quantile is not None
    ]
    found = _found(work, numbers, wanted)
    return {
        planned.key: _ceiling(planned, place, found)
        for place, planned in enumerate(numbers.plan.metrics)
        if any(caps(planned.metric))
    }


def _sides(planned: PlannedMetric) -> list[tuple[Part, Part | None, Cap | None]]:
    metric = planned.metric
    return list(zip(parts(metric), baselines(metric), caps(metric), strict=True))


def _ceiling(planned: PlannedMetric, place: int, found: Mapping[str, tuple[float, CapOrigin]]) -> Ceiling:
    at, origins = [], []
    for side, cap in enumerate(caps(planned.metric)):
        written = inf if cap is None or cap.at is None else cap.at
        value, origin = found.get(f"{place}_{side}", (written, CapOrigin.WRITTEN))
        at.append(value)
        origins.append(origin)
    return Ceiling(tuple(at), max(origins, key=list(CapOrigin).index))


def _found(work: Work, numbers: Numbers, wanted: list[Wanted]) -> dict[str, tuple[float, CapOrigin]]:
    if not wanted:
        return {}
    if QUANTILES not in work.engine.capabilities:
        near = dict(pair for each in wanted for pair in _nearly(work, numbers, each))
        return {each.name: _chosen(near, each) for each in wanted}
    named: list[tuple[str, exp.Expr]] = []
    for each in wanted:
        for step, value in _steps(numbers, each).items():
            holes = {"x": tree("NULLIF(:x, 0.0)", x=value), "at": exp.Literal.number(repr(each.quantile))}
            named.append((f"{step}n{each.name}", tree("COUNT(:x)", **holes)))
            named.append((f"{step}q{each.name}", tree("QUANTILE_DISC(:x, :at)", **holes)))
    row = work.one("caps", numbers.over(named))
    return {each.name: _chosen(row, each) for each in wanted}


def _nearly(work: Work, numbers: Numbers, wanted: Wanted) -> Iterator[tuple[str, float]]:
    """The same from histograms, step by step: how many values there are, and their quantile."""
    for step, value in _steps(numbers, wanted).items():
        values = numbers.over([("v", tree("NULLIF(:x, 0.0)", x=value))])
        rows = exp.select("*").from_(values.subquery("e"))
        held = bins(work.ask("caps", binned(rows, tree("CAST(0 AS BIGINT)")))).get(0)
        yield f"{step}n{wanted.name}", 0.0 if held is None else float(held.n.sum())
        yield f"{step}q{wanted.name}", 0.0 if held is None else held.at(wanted.quantile)[0]


def _steps(numbers: Numbers, wanted: Wanted) -> dict[str, exp.Expr]:
    """The values that each step looks at, first choice first."""
    steps: dict[str, exp.Expr] = {}
    if wanted.baseline is not None and wanted.baseline.back is not None:
        earliest = numbers.earliest.get(wanted.part.source)
        if earliest is not None:
            reach = whole(earliest + wanted.baseline.back // MICROSECOND)
            x = numbers.of(wanted.baseline)
            steps["b"] = tree("CASE WHEN u.at >= :reach THEN :x END", reach=reach, x=x)
    value = numbers.of(wanted.part)
    if looks := numbers.looks():
        steps["f"] = tree("CASE WHEN :m THEN :x END", m=numbers.mature(wanted.planned, looks[0]), x=value)
    steps["e"] = tree("CASE WHEN :m THEN :x END", m=numbers.mature(wanted.planned), x=value)
    return steps


def _chosen(row: Mapping[str, int | float | str | None], wanted: Wanted) -> tuple[float, CapOrigin]:
    for step in ("b", "f", "e"):
        count = int(row.get(f"{step}n{wanted.name}") or 0)
        if count * (1 - wanted.quantile) >= 1 or (step == "e" and count):
            value = float(row[f"{step}q{wanted.name}"] or 0.0)
            origin = CapOrigin.BASELINE if step == "b" else CapOrigin.EXPERIMENT
            return (value if value > 0 else inf), origin
    return inf, CapOrigin.EXPERIMENT
