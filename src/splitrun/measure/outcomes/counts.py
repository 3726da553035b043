"""What lies up to a quantile: counted per unit, and added up over clusters where the plan names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sqlglot import exp

from splitrun.measure.measured import Clusters, ClusterSums
from splitrun.measure.sql import Work, column, relation, select, tree, whole
from splitrun.moments import FloatArray, IntArray, Moments
from splitrun.spec.metric import Quantile
from splitrun.spec.plan import Plan

__all__ = ["PLACED", "Asked", "Counts", "across", "asked", "counted", "of_clusters", "over", "up_to"]

PLACED = "_placed"
SUMS = {
    "n": "COUNT(*)",
    "s": "SUM(s)",
    "k": "SUM(k)",
    "e": "SUM(e)",
    "ss": "SUM(s * s)",
    "sk": "SUM(s * k)",
    "kk": "SUM(k * k)",
}


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


@dataclass(frozen=True, slots=True)
class Counts:
    """Whole numbers, added up by group over units or clusters: as many as `SUMS`."""

    sums: Mapping[int, tuple[int, ...]]

    def moments(self, groups: IntArray) -> Moments:
        """Moments of (values up to the quantile, all values), one cell for each of these groups.

        In whole numbers until the last division: nothing is lost.
        """
        n, mean = np.zeros(len(groups)), np.zeros((len(groups), 2))
        m2 = np.zeros((len(groups), 2, 2))
        for place, group in enumerate(groups.tolist()):
            units, s, k, _, ss, sk, kk = self.sums.get(group, (0,) * len(SUMS))
            if not units:
                continue
            n[place], mean[place] = units, (s / units, k / units)
            cross = (units * sk - s * k) / units
            m2[place] = [[(units * ss - s * s) / units, cross], [cross, (units * kk - k * k) / units]]
        return Moments(n=n, mean=mean, m2=m2)

    def tied(self, groups: int) -> FloatArray:
        """Part of the values that equal the quantile, NaN where there are none, shape (groups,)."""
        found = np.full(groups, np.nan)
        for group, (_, _, k, e, *_) in self.sums.items():
            found[group] = e / k if k else np.nan
        return found


def up_to(each: Asked, outcomes: str, cut: tuple[exp.Expr, str, exp.Expr], *, clustered: bool) -> exp.Select:
    """Count per unit its values up to the quantile (s), all of them (k) and those that equal it (e).

    Args:
        each: The metric.
        outcomes: The table of the units.
        cut: What will be added up together, as g; the table of the quantiles, and which of them is a unit's.
        clustered: Whether the unit's cluster is wanted as well, as c.
    """
    group, kept, own = cut
    keys = [tree("o.n"), group, *([tree("o.g")] if clustered else [])]
    named: list[tuple[str, exp.Expr]] = [("g", group), *([("c", tree("o.g"))] if clustered else [])]
    named += [
        ("s", tree("COUNT(CASE WHEN e.v <= q.q THEN 1 END)")),
        ("k", tree("COUNT(e.v)")),
        ("e", tree("COUNT(CASE WHEN e.v = q.q THEN 1 END)")),
    ]
    units = select(named, relation(outcomes, "o"))
    units = units.join(relation(PLACED, "p"), on=tree("o.n = p.n"))
    units = units.join(relation(kept, "q"), on=tree(":own = q.g", own=own), join_type="left")
    units = units.join(relation(each.values, "e"), on=tree("o.n = e.n"), join_type="left")
    return units.where(each.there("o")).group_by(*keys)


def counted(work: Work, each: Asked, rows: exp.Expr) -> Counts:
    """Add counts up by group.

    Args:
        work: Where SQL runs.
        each: The metric.
        rows: Of units or of clusters, with g, s, k and e.
    """
    named: list[tuple[str, exp.Expr]] = [("g", tree("g"))]
    named += [(name, tree("CAST(:sum AS BIGINT)", sum=tree(written))) for name, written in SUMS.items()]
    query = select(named, rows).group_by(tree("g")).order_by(tree("g"))
    found = work.ask(f"values of {each.key} up to its quantiles", query).to_pylist()
    return Counts({int(row["g"]): tuple(int(row[name] or 0) for name in SUMS) for row in found})


def over(units: str) -> exp.Select:
    """Add the counts of units up over every cluster and group."""
    sums = [(name, tree(f"CAST(SUM(u.{name}) AS BIGINT)")) for name in ("s", "k", "e")]
    query = select([("c", tree("u.c")), ("g", tree("u.g")), *sums], relation(units, "u"))
    return query.group_by(tree("u.c"), tree("u.g"))


def across(work: Work, each: Asked, clusters: str, shape: tuple[int, int]) -> FloatArray:
    """Add up the products of one variant's counts with another's over the clusters that hold both.

    Args:
        work: Where SQL runs.
        each: The metric.
        clusters: The table of the clusters' counts.
        shape: Variants and levels; groups are numbered variant by variant.

    Returns:
        Shape (variants, variants, levels, 2, 2): of (up to the quantile, all) with (up to it, all).
    """
    pairs = ("ss", "sk", "ks", "kk")
    named = [("one", tree("a.g")), ("other", tree("b.g"))]
    named += [(name, tree(f"CAST(SUM(a.{name[0]} * b.{name[1]}) AS DOUBLE)")) for name in pairs]
    same = tree("a.c = b.c AND a.g < b.g AND MOD(a.g, :w) = MOD(b.g, :w)", w=whole(shape[1]))
    query = select(named, relation(clusters, "a")).join(relation(clusters, "b"), on=same)
    query = query.group_by(tree("a.g"), tree("b.g")).order_by(tree("a.g"), tree("b.g"))
    found = np.zeros((shape[0], shape[0], shape[1], 2, 2))
    for row in work.ask(f"values of {each.key} in clusters of several variants", query).to_pylist():
        (one, level), (other, _) = divmod(int(row["one"]), shape[1]), divmod(int(row["other"]), shape[1])
        products = np.array([float(row[name]) for name in pairs]).reshape(2, 2)
        found[one, other, level], found[other, one, level] = products, products.T
    return found


def of_clusters(work: Work, each: Asked, units: str, clusters: Clusters, cells: IntArray) -> ClusterSums:
    """The sums of (values up to the quantile, all values) over clusters within cells, row by row.

    Args:
        work: Where SQL runs.
        each: The metric.
        units: The table of the units' counts, whose groups are the numbers of cells.
        clusters: Whose rows are answered, by cluster and then by cell.
        cells: The numbers of the cells, rising.
    """
    named = [("c", tree("u.c")), ("g", tree("u.g")), ("n", tree("COUNT(*)"))]
    named += [(name, tree(f"CAST(SUM(u.{name}) AS DOUBLE)")) for name in ("s", "k")]
    named.append(("ss", tree("CAST(SUM(u.s * u.s) AS DOUBLE)")))
    query = select(named, relation(units, "u")).group_by(tree("u.c"), tree("u.g"))
    rows = work.ask(f"values of {each.key} in clusters", query)
    code, cell, n, s, k, ss = (np.asarray(rows.column(name).to_numpy()) for name, _ in named)
    place = np.searchsorted(
        clusters.code * len(cells) + clusters.cell, code * len(cells) + np.searchsorted(cells, cell)
    )
    found = np.zeros((4, len(clusters.code)))
    found[:, place] = n, s, k, ss
    return ClusterSums(units=found[0], totals=found[1:3].T, squares=found[3])
