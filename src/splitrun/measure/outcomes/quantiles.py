"""Quantiles, exact, in as many passes as they take: the quantile, units' values up to it, and its bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from sqlglot import exp

from splitrun.errors import Mistake, SpecError
from splitrun.measure.engine import Engine
from splitrun.measure.events import MET, Events, selected_values
from splitrun.measure.measured import Column, Measured, Quantiles
from splitrun.measure.parts import What, parts
from splitrun.measure.segments import Levels
from splitrun.measure.sql import Work, column, relation, select, tree, whole
from splitrun.moments import FloatArray, IntArray, Moments
from splitrun.spec.metric import Quantile
from splitrun.spec.plan import Plan

__all__ = ["bounded", "quantiled", "values"]

PLACED = "_placed"


@dataclass(frozen=True, slots=True)
class Asked:
    """A quantile metric of the plan."""

    key: str
    place: int
    at: float

    @property
    def values(self) -> str:
        """The table of its values: n of the unit, v."""
        return f"_values_{self.place}"

    def there(self, alias: str) -> exp.Expr:
        """Whether a unit of the outcomes has a value at all, or none because it has no rows."""
        return tree("(:x) IS NOT NULL", x=column(f"x{self.place}_0", alias))


def asked(plan: Plan) -> list[Asked]:
    """The quantile metrics of a plan."""
    found = []
    for place, planned in enumerate(plan.metrics):
        match planned.metric:
            case Quantile(at=at):
                found.append(Asked(planned.key, place, at))
            case _:
                pass
    return found


def quantiled(
    work: Work,
    plan: Plan,
    measured: Measured,
    outcomes: Mapping[str | None, str],
    made: tuple[Callable[[str], Events], Mapping[str, Levels]],
) -> Measured:
    """Take the plan's quantiles; makes the tables `_placed` and `_values_0`….

    Args:
        work: Where SQL runs.
        plan: The plan.
        measured: What is measured already; the quantile metrics' columns hold the units' numbers of values.
        outcomes: The table of the units' outcomes, and those of the cubes in `measured.within` by segment.
        made: How a source is read as events, and the segments' levels.

    Returns:
        The same with `quantiles`, and with (values inside, all values) as the moments of their columns.
    """
    wanted = asked(plan)
    if not wanted:
        return measured
    events, levels = made
    work.keep("units' places", PLACED, _placed(plan, measured, levels))
    found: dict[tuple[str, str | None], Quantiles] = {}
    for each in wanted:
        part = parts(plan.metrics[each.place].metric)[0]
        rows = selected_values(events(part.source), part) if part.what is What.VALUES else None
        work.keep(f"values of {each.key}", each.values, _values(each, outcomes[None], rows))
        for segment in (None, *(planned.key for planned in plan.segments)):
            found[each.key, segment] = _taken(work, plan, each, segment, measured, outcomes[None])
        measured = _celled(work, each, measured, outcomes)
    return replace(measured, quantiles=found, sql=tuple(work.done))


def values(plan: Plan, engine: Engine, cut: tuple[str, str | None], probabilities: FloatArray) -> FloatArray:
    """Read a metric's quantiles at other probabilities, from what `measure` left in the engine.

    Args:
        plan: The plan that was measured.
        engine: The engine that measured it, not yet closed.
        cut: The metric's key, and the segment or None.
        probabilities: Between 0 and 1, shape (variants, levels) as in `Measured.quantiles`; NaN for none.

    Returns:
        Type 1 quantiles, the same shape; NaN where none was asked for or there are no values.

    Raises:
        SpecError: The metric is no quantile of the plan, or there is no such segment.
        EngineError: The engine refused, or did not measure this plan.
    """
    return _read(Work(engine), plan, cut, probabilities)


def bounded(
    plan: Plan,
    engine: Engine,
    measured: Measured,
    probabilities: Mapping[tuple[str, str | None], tuple[FloatArray, FloatArray]],
) -> Measured:
    """Fill `low` and `high` of the quantiles with the values at these probabilities, as `values` does.

    Args:
        plan: The plan that was measured.
        engine: The engine that measured it, not yet closed.
        measured: What it measured.
        probabilities: By metric and segment, those of the lower and of the upper bound.

    Returns:
        The same with the bounds, and with the SQL that read them.
    """
    work = Work(engine)
    found = dict(measured.quantiles)
    for cut, (low, high) in probabilities.items():
        found[cut] = replace(found[cut], low=_read(work, plan, cut, low), high=_read(work, plan, cut, high))
    return replace(measured, quantiles=found, sql=(*measured.sql, *work.done))


def _read(work: Work, plan: Plan, cut: tuple[str, str | None], probabilities: FloatArray) -> FloatArray:
    key, segment = cut
    each = next((one for one in asked(plan) if one.key == key), None)
    if each is None:
        says = f"the plan has no quantile metric {key!r}"
        raise SpecError([Mistake(says, f"its quantiles are {[one.key for one in asked(plan)]}")])
    flat = probabilities.ravel()
    group = _group(plan, segment)
    named = [
        (
            f"q{place}",
            tree(
                "QUANTILE_DISC(CASE WHEN :g = :place THEN e.v END, :p)",
                g=group, place=whole(place), p=exp.Literal.number(repr(float(p))),
            ),
        )
        for place, p in enumerate(flat)
        if np.isfinite(p)
    ]  # fmt: skip
    found = np.full(len(flat), np.nan)
    if named:
        query = select(named, relation(each.values, "e"))
        row = work.one(f"bounds of {key}", query.join(relation(PLACED, "p"), on=tree("e.n = p.n")))
        for place in range(len(flat)):
            value = row.get(f"q{place}")
            found[place] = np.nan if value is None else float(value)
    return found.reshape(probabilities.shape)


def _group(plan: Plan, segment: str | None) -> exp.Expr:
    """The number of a unit's variant and level, in `_placed` under the name p."""
    if segment is None:
        return tree("p.g")
    places = [planned.key for planned in plan.segments]
    if segment not in places:
        raise SpecError([Mistake(f"the plan has no segment {segment!r}", f"its segments are {places}")])
    return column(f"g{places.index(segment)}", "p")


def _placed(plan: Plan, measured: Measured, levels: Mapping[str, Levels]) -> exp.Select:
    named: list[tuple[str, exp.Expr]] = [("n", tree("u.n")), ("g", tree("u.rank"))]
    for place, planned in enumerate(plan.segments):
        labels = measured.labels(planned.key)
        level = levels[planned.key].place(f"s{place}", labels)
        named.append(
            (f"g{place}", tree("u.rank * :w + :level", w=whole(len(labels)), level=exp.paren(level)))
        )
    return select(named, relation(MET, "u")).where(tree("u.met"))


def _values(each: Asked, outcomes: str, rows: exp.Select | None) -> exp.Select:
    if rows is None:
        named = [("n", tree("o.n")), ("v", column(f"x{each.place}_0", "o"))]
        return select(named, relation(outcomes, "o")).where(each.there("o"))
    query = select([("n", tree("e.n")), ("v", tree("e.v"))], rows.subquery("e"))
    return query.join(relation(outcomes, "o"), on=tree("e.n = o.n")).where(each.there("o"))


def _taken(
    work: Work, plan: Plan, each: Asked, segment: str | None, measured: Measured, outcomes: str
) -> Quantiles:
    shape = (len(plan.variants), len(measured.labels(segment)))
    kept = each.values + (
        "_q" if segment is None else f"_q{[one.key for one in plan.segments].index(segment)}"
    )
    group = _group(plan, segment)
    at = exp.Literal.number(repr(each.at))
    query = select([("g", group), ("q", tree("QUANTILE_DISC(e.v, :at)", at=at))], relation(each.values, "e"))
    query = query.join(relation(PLACED, "p"), on=tree("e.n = p.n")).group_by(group)
    work.keep(f"quantiles of {each.key}", kept, query)
    value = np.full(shape[0] * shape[1], np.nan)
    for row in work.ask(f"quantiles of {each.key}", exp.select("*").from_(relation(kept, "q"))).to_pylist():
        value[int(row["g"])] = float(row["q"])
    sums = _inside(work, each, outcomes, (group, kept, group))
    moments = _gathered(sums, np.arange(shape[0] * shape[1]))
    width = shape[1]
    return Quantiles(
        value=value.reshape(shape),
        inside=tuple(moments.at(np.arange(width) + variant * width) for variant in range(shape[0])),
        low=np.full(shape, np.nan),
        high=np.full(shape, np.nan),
    )


def _celled(work: Work, each: Asked, measured: Measured, outcomes: Mapping[str | None, str]) -> Measured:
    """Put (values inside, all values) into the metric's column, by the quantile of each whole variant."""
    within = dict(measured.within)
    for segment, part in within.items():
        within[segment] = replace(part, columns=_with(work, each, part, outcomes[segment]))
    return replace(measured, within=within, columns=_with(work, each, measured, outcomes[None]))


def _with(work: Work, each: Asked, part: Measured, outcomes: str) -> dict[str, Column]:
    query = select([("cell", tree("cell"))], relation(outcomes, "o")).distinct().order_by(tree("cell"))
    cells = np.asarray(work.ask("cells of quantiles", query).column("cell").to_numpy(), dtype=np.int64)
    sums = _inside(work, each, outcomes, (tree("o.cell"), f"{each.values}_q", tree("p.g")))
    column_of = part.columns[each.key]
    return {**part.columns, each.key: replace(column_of, moments=_gathered(sums, cells))}


def _inside(
    work: Work, each: Asked, outcomes: str, cut: tuple[exp.Expr, str, exp.Expr]
) -> dict[int, tuple[int, ...]]:
    """Count per unit the values up to the quantile and all values, and add up their squares and products.

    Args:
        work: Where SQL runs.
        each: The metric.
        outcomes: The table of the units.
        cut: What is added up together; the table of the quantiles, and which of them is a unit's.
    """
    group, kept, own = cut
    units = select(
        [("g", group), ("s", tree("COUNT(CASE WHEN e.v <= q.q THEN 1 END)")), ("k", tree("COUNT(e.v)"))],
        relation(outcomes, "o"),
    )
    units = units.join(relation(PLACED, "p"), on=tree("o.n = p.n"))
    units = units.join(relation(kept, "q"), on=tree(":own = q.g", own=own), join_type="left")
    units = units.join(relation(each.values, "e"), on=tree("o.n = e.n"), join_type="left")
    units = units.where(each.there("o")).group_by(tree("o.n"), group)
    sums = {
        "n": "COUNT(*)",
        "s": "SUM(s)",
        "k": "SUM(k)",
        "ss": "SUM(s * s)",
        "sk": "SUM(s * k)",
        "kk": "SUM(k * k)",
    }
    named: list[tuple[str, exp.Expr]] = [("g", tree("g"))]
    named += [(name, tree("CAST(:sum AS BIGINT)", sum=tree(written))) for name, written in sums.items()]
    query = select(named, units.subquery("x")).group_by(tree("g")).order_by(tree("g"))
    rows = work.ask(f"values of {each.key} up to its quantiles", query).to_pylist()
    return {int(row["g"]): tuple(int(row[name] or 0) for name in sums) for row in rows}


def _gathered(sums: Mapping[int, tuple[int, ...]], groups: IntArray) -> Moments:
    """Moments from sums of whole numbers, in whole numbers until the last division: nothing is lost."""
    n, mean = np.zeros(len(groups)), np.zeros((len(groups), 2))
    m2 = np.zeros((len(groups), 2, 2))
    for place, group in enumerate(groups.tolist()):
        units, s, k, ss, sk, kk = sums.get(group, (0,) * 6)
        if not units:
            continue
        n[place], mean[place] = units, (s / units, k / units)
        across = (units * sk - s * k) / units
        m2[place] = [[(units * ss - s * s) / units, across], [across, (units * kk - k * k) / units]]
    return Moments(n=n, mean=mean, m2=m2)
