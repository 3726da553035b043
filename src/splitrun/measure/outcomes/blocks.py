"""A metric as columns over units: its outcome, capped where it has a cap, and its covariates."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isfinite

from sqlglot import exp

from splitrun.measure.adding.block import Block
from splitrun.measure.outcomes.caps import Ceiling
from splitrun.measure.outcomes.numbers import Numbers
from splitrun.measure.parts import What, parts, pre_period
from splitrun.measure.sql import Work, choice, column, relation, select, tree
from splitrun.spec.analysis import PRE_PERIOD
from splitrun.spec.plan import PlannedMetric

__all__ = ["Knowledge", "Known", "blocks", "known"]


@dataclass(frozen=True, slots=True)
class Known:
    """A covariate: what is known of a unit from before its exposure."""

    name: str
    value: exp.Expr
    """Null where it is not known."""
    sometimes: bool = False
    """Whether some unit lacks it."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What of the analysed units is known."""

    covariates: Mapping[str, tuple[Known, ...]]
    """By metric key."""
    filled: frozenset[str]
    """Numbers, as they are written, that no analysed unit lacks."""


def known(
    work: Work, numbers: Numbers, roofs: Mapping[str, Ceiling], filled: Collection[str] = ()
) -> Knowledge:
    """The covariates of every metric; asks which of them, and which outcomes, some analysed unit lacks.

    A metric's own value before exposure is capped as the metric is.

    Args:
        work: Where SQL runs.
        numbers: Where the numbers stand.
        roofs: The metrics' caps.
        filled: Columns of the units that no unit lacks.
    """
    found = {
        planned.key: _before(numbers, planned, roofs.get(planned.key)) for planned in numbers.plan.metrics
    }
    sure = _sure(work, numbers) | {column(name, "u").sql() for name in filled}
    values = [numbers.of(part) for planned in numbers.plan.metrics for part in parts(planned.metric)]
    values += [each.value for listed in found.values() for each in listed if each.sometimes]
    doubtful = {written: each for each in values if (written := each.sql()) not in sure}
    there = sure | _asked(work, numbers, doubtful)
    covariates = {
        key: tuple(
            Known(each.name, each.value, each.sometimes and each.value.sql() not in there) for each in listed
        )
        for key, listed in found.items()
    }
    return Knowledge(covariates, there)


def _sure(work: Work, numbers: Numbers) -> frozenset[str]:
    """Numbers, as they are written, that no row of the sources' tables lacks; a unit without events has 0."""
    found: set[str] = set()
    for source, table in numbers.tables.items():
        mine = {place: part for place, part in enumerate(numbers.parts) if part.source == source}
        named = [(f"m{place}", tree("COUNT_IF(:p IS NULL)", p=column(f"p{place}"))) for place in mine]
        row = work.one(f"values of {source} that are missing", select(named, relation(table, "k")))
        found |= {numbers.of(part).sql() for place, part in mine.items() if not row[f"m{place}"]}
    return frozenset(found)


def _asked(work: Work, numbers: Numbers, doubtful: Mapping[str, exp.Expr]) -> frozenset[str]:
    """Which of these no analysed unit lacks."""
    if not doubtful:
        return frozenset()
    named = [
        (f"m{place}", tree("COUNT_IF((:v) IS NULL)", v=each)) for place, each in enumerate(doubtful.values())
    ]
    row = work.one("values that are missing", numbers.over(named))
    return frozenset(written for place, written in enumerate(doubtful) if not row[f"m{place}"])


def _before(numbers: Numbers, planned: PlannedMetric, roof: Ceiling | None) -> tuple[Known, ...]:
    adjust = numbers.plan.analysis.adjust
    if adjust is None or planned.metric.kind == "quantile":
        return ()
    found: list[Known] = []
    places = {name: f"c{place}" for place, name in enumerate(n for n in adjust.covariates if n != PRE_PERIOD)}
    for name in adjust.covariates:
        if name in places:
            found.append(Known(name, column(places[name], "u"), sometimes=True))
            continue
        for side, part in enumerate(pre_period(numbers.plan, planned.metric)):
            value = numbers.of(part)
            value = value if roof is None else _cut(value, roof.at[side])
            called = f"{PRE_PERIOD} under" if side else PRE_PERIOD
            found.append(Known(called, value, sometimes=part.what is What.TOTAL))
    return tuple(found)


def blocks(
    numbers: Numbers, roofs: Mapping[str, Ceiling], knowledge: Knowledge
) -> dict[str, tuple[Block, ...]]:
    """Every metric's columns, by its key; a second block has those of a capped metric without its cap."""
    made: dict[str, tuple[Block, ...]] = {}
    for place, planned in enumerate(numbers.plan.metrics):
        values = [numbers.of(part) for part in parts(planned.metric)]
        roof = roofs.get(planned.key)
        beside = tuple(pair for each in knowledge.covariates[planned.key] for pair in _columns(each))
        mature = numbers.mature(planned)
        cubed = planned.metric.kind != "quantile"
        filled = all(value.sql() in knowledge.filled for value in values)
        binary = all(part.what is What.ANY for part in parts(planned.metric))
        plain = Block(str(place), tuple(values), beside, mature, cubed, filled=filled, binary=binary)
        if roof is None:
            made[planned.key] = (plain,)
            continue
        capped = tuple(_cut(value, at) for value, at in zip(values, roof.at, strict=True))
        cut = (
            exp.or_(
                *(
                    tree("(:x) > :at", x=value, at=_number(at))
                    for value, at in zip(values, roof.at, strict=True)
                    if isfinite(at)
                )
            )
            if any(map(isfinite, roof.at))
            else exp.false()
        )
        made[planned.key] = (
            Block(str(place), capped, beside, mature, cubed, cut, filled),
            Block(f"{place}u", tuple(values), beside, mature, cubed, filled=filled),
        )
    return made


def _columns(covariate: Known) -> list[tuple[str, exp.Expr]]:
    if not covariate.sometimes:
        return [(covariate.name, covariate.value)]
    value = tree("COALESCE(:v, 0.0)", v=covariate.value)
    lacking = choice([(tree("(:v) IS NULL", v=covariate.value), _number(1.0))], otherwise=_number(0.0))
    return [(covariate.name, value), (f"missing {covariate.name}", lacking)]


def _cut(value: exp.Expr, at: float) -> exp.Expr:
    """A value no larger than its cap; null stays null, which LEAST alone would not keep."""
    if not isfinite(at):
        return value
    return tree("CASE WHEN (:x) > :at THEN :at ELSE :x END", x=value, at=_number(at))


def _number(value: float) -> exp.Expr:
    return tree("CAST(:n AS DOUBLE)", n=exp.Literal.number(repr(value)))
