"""Quantiles in as many passes as they take: the quantile, what lies up to it, and its bounds.

They are exact where the engine has them, and read from a histogram where it has none. Where the plan names a
cluster, what lies up to a quantile is added up over clusters and not units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from sqlglot import exp

from splitrun.errors import Mistake, SpecError
from splitrun.measure.engine import QUANTILES, Engine
from splitrun.measure.events import MET
from splitrun.measure.measured import Measured, Quantiles
from splitrun.measure.outcomes.counts import PLACED, Asked, across, asked, counted, of_clusters, over, up_to
from splitrun.measure.outcomes.histograms import binned, bins, chosen
from splitrun.measure.parts import Part, What, parts
from splitrun.measure.segments import Levels
from splitrun.measure.sql import Work, column, relation, select, tree, whole
from splitrun.moments import FloatArray
from splitrun.spec.plan import Plan

__all__ = ["bounded", "quantiled", "values"]

COUNTS, CLUSTERS = "_counts", "_counts_of_clusters"


@dataclass(frozen=True, slots=True)
class Split:
    """A quantile metric, and by which segment its values are split."""

    plan: Plan
    each: Asked
    segment: str | None

    @property
    def mark(self) -> str:
        """Tells its tables from those of other segments."""
        return (
            "" if self.segment is None else str([one.key for one in self.plan.segments].index(self.segment))
        )

    @property
    def kept(self) -> str:
        """The table of its quantiles: g of variant and level, q."""
        return f"{self.each.values}_q{self.mark}"

    @property
    def bins(self) -> str:
        """The table of its histogram, where the engine has no quantiles."""
        return f"{self.each.values}_h{self.mark}"

    @property
    def group(self) -> exp.Expr:
        """The number of a unit's variant and level, in `_placed` under the name p."""
        return tree("p.g") if self.segment is None else column(f"g{self.mark}", "p")

    @property
    def rows(self) -> exp.Select:
        """Its values, as e, beside where their units are placed."""
        query = exp.select("*").from_(relation(self.each.values, "e"))
        return query.join(relation(PLACED, "p"), on=tree("e.n = p.n"))


def quantiled(
    work: Work,
    plan: Plan,
    measured: Measured,
    outcomes: Mapping[str | None, str],
    made: tuple[Callable[[Part], tuple[str, str]], Mapping[str, Levels]],
) -> Measured:
    """Take the plan's quantiles; makes the tables `_placed` and `_values_0`….

    Args:
        work: Where SQL runs.
        plan: The plan.
        measured: What is measured already; the quantile metrics' columns hold the units' numbers of values.
        outcomes: The table of the units' outcomes, and those of the cubes in `measured.within` by segment.
        made: The table and the column with the listed values of a part, and the segments' levels.

    Returns:
        The same with `quantiles`, and with (values inside, all values) as the moments of their columns.
    """
    wanted = asked(plan)
    if not wanted:
        return measured
    listed, levels = made
    work.keep("units' places", PLACED, _placed(plan, measured, levels))
    found: dict[tuple[str, str | None], Quantiles] = {}
    for each in wanted:
        part = parts(plan.metrics[each.place].metric)[0]
        rows = listed(part) if part.what is What.VALUES else None
        work.keep(f"values of {each.key}", each.values, _values(each, outcomes[None], rows))
        for segment in (None, *(planned.key for planned in plan.segments)):
            found[each.key, segment] = _taken(work, Split(plan, each, segment), measured, outcomes[None])
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
    places = [planned.key for planned in plan.segments]
    if segment is not None and segment not in places:
        raise SpecError([Mistake(f"the plan has no segment {segment!r}", f"its segments are {places}")])
    wanted = {place: float(p) for place, p in enumerate(probabilities.ravel().tolist()) if np.isfinite(p)}
    found = np.full(probabilities.size, np.nan)
    if wanted:
        reading = _exactly if QUANTILES in work.engine.capabilities else _nearly
        for place, value in reading(work, Split(plan, each, segment), wanted).items():
            found[place] = value
    return found.reshape(probabilities.shape)


def _exactly(work: Work, split: Split, wanted: Mapping[int, float]) -> dict[int, float]:
    """Quantiles at these probabilities, by group."""
    named = [
        (
            f"q{place}",
            tree(
                "QUANTILE_DISC(CASE WHEN :g = :place THEN e.v END, :p)",
                g=split.group, place=whole(place), p=exp.Literal.number(repr(p)),
            ),
        )
        for place, p in wanted.items()
    ]  # fmt: skip
    listed = [exp.alias_(value, name, quoted=True) for name, value in named]
    row = work.one(f"bounds of {split.each.key}", split.rows.select(*listed, append=False))
    read = {place: row[f"q{place}"] for place in wanted}
    return {place: float(value) for place, value in read.items() if value is not None}


def _nearly(work: Work, split: Split, wanted: Mapping[int, float]) -> dict[int, float]:
    """The same from the histogram that `measure` left behind."""
    kept = exp.select("*").from_(relation(split.bins, "h"))
    held = bins(work.ask(f"bounds of {split.each.key}", kept))
    return {place: held[place].at(p)[0] for place, p in wanted.items() if place in held}


def _placed(plan: Plan, measured: Measured, levels: Mapping[str, Levels]) -> exp.Select:
    named: list[tuple[str, exp.Expr]] = [("n", tree("u.n")), ("g", tree("u.rank"))]
    for place, planned in enumerate(plan.segments):
        labels = measured.labels(planned.key)
        level = levels[planned.key].place(f"s{place}", labels)
        named.append(
            (f"g{place}", tree("u.rank * :w + :level", w=whole(len(labels)), level=exp.paren(level)))
        )
    return select(named, relation(MET, "u")).where(tree("u.met"))


def _values(each: Asked, outcomes: str, rows: tuple[str, str] | None) -> exp.Select:
    query = select([("n", tree("o.n")), ("v", column(f"x{each.place}_0", "o"))], relation(outcomes, "o"))
    if rows is None:
        return query.where(each.there("o"))
    table, name = rows
    query = select([("n", tree("o.n")), ("v", exp.Explode(this=column(name, "e")))], relation(table, "e"))
    return query.join(relation(outcomes, "o"), on=tree("e.n = o.n")).where(each.there("o"))


def _taken(work: Work, split: Split, measured: Measured, outcomes: str) -> Quantiles:
    variants, width = len(split.plan.variants), len(measured.labels(split.segment))
    shape, groups = (variants, width), variants * width
    exact = QUANTILES in work.engine.capabilities
    found, off = (_sorted if exact else _binned)(work, split)
    value, far = np.full(groups, np.nan), np.zeros(groups)
    for group, q in found.items():
        value[group], far[group] = q, off.get(group, 0.0)
    clustered = measured.clusters is not None
    units = up_to(split.each, outcomes, (split.group, split.kept, split.group), clustered=clustered)
    alone, together = None, None
    if clustered:
        work.keep(f"values of {split.each.key} per unit", COUNTS, units)
        work.keep(f"values of {split.each.key} per cluster", CLUSTERS, over(COUNTS))
        inside = counted(work, split.each, relation(CLUSTERS, "x"))
        alone = counted(work, split.each, relation(COUNTS, "x")).moments(np.arange(groups))
        together = across(work, split.each, CLUSTERS, shape)
        work.forget(COUNTS)
        work.forget(CLUSTERS)
    else:
        inside = counted(work, split.each, units.subquery("x"))
    moments = inside.moments(np.arange(groups))
    levels = [np.arange(width) + variant * width for variant in range(variants)]
    return Quantiles(
        value=value.reshape(shape),
        inside=tuple(moments.at(each) for each in levels),
        low=np.full(shape, np.nan),
        high=np.full(shape, np.nan),
        tied=inside.tied(groups).reshape(shape),
        alone=None if alone is None else tuple(alone.at(each) for each in levels),
        across=together,
        off=None if exact else far.reshape(shape),
    )


def _sorted(work: Work, split: Split) -> tuple[dict[int, float], dict[int, float]]:
    """Quantiles by group, as the engine finds them; makes the table of them."""
    at = exp.Literal.number(repr(split.each.at))
    named = [("g", split.group), ("q", tree("QUANTILE_DISC(e.v, :at)", at=at))]
    listed = [exp.alias_(value, name, quoted=True) for name, value in named]
    query = split.rows.select(*listed, append=False).group_by(split.group)
    work.keep(f"quantiles of {split.each.key}", split.kept, query)
    rows = work.ask(f"quantiles of {split.each.key}", exp.select("*").from_(relation(split.kept, "q")))
    return {int(row["g"]): float(row["q"]) for row in rows.to_pylist()}, {}


def _binned(work: Work, split: Split) -> tuple[dict[int, float], dict[int, float]]:
    """Quantiles by group and how far off they may be, from a histogram; makes its table and theirs."""
    work.keep(f"histogram of {split.each.key}", split.bins, binned(split.rows, split.group))
    kept = exp.select("*").from_(relation(split.bins, "h"))
    held = bins(work.ask(f"histogram of {split.each.key}", kept))
    found = {group: each.at(split.each.at) for group, each in held.items()}
    value = {group: q for group, (q, _) in found.items()}
    work.keep(f"quantiles of {split.each.key}", split.kept, chosen(split.bins, value))
    return value, {group: off for group, (_, off) in found.items()}


def _celled(work: Work, each: Asked, measured: Measured, outcomes: Mapping[str | None, str]) -> Measured:
    """Put (values inside, all values) into the metric's column, by the quantile of each whole variant."""
    within = {
        segment: _with(work, each, part, outcomes[segment]) for segment, part in measured.within.items()
    }
    return replace(_with(work, each, measured, outcomes[None]), within=within)


def _with(work: Work, each: Asked, part: Measured, outcomes: str) -> Measured:
    query = select([("cell", tree("cell"))], relation(outcomes, "o")).distinct().order_by(tree("cell"))
    cells = np.asarray(work.ask("cells of quantiles", query).column("cell").to_numpy(), dtype=np.int64)
    clusters = part.clusters
    cut = (tree("o.cell"), f"{each.values}_q", tree("p.g"))
    units = up_to(each, outcomes, cut, clustered=clusters is not None)
    work.keep(f"values of {each.key} per unit", COUNTS, units)
    moments = counted(work, each, relation(COUNTS, "x")).moments(cells)
    if clusters is not None:
        sums = of_clusters(work, each, COUNTS, clusters, cells)
        clusters = replace(clusters, sums={**clusters.sums, each.key: sums})
    work.forget(COUNTS)
    found = replace(part.columns[each.key], moments=moments)
    return replace(part, columns={**part.columns, each.key: found}, clusters=clusters)
