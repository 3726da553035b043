"""One row per unit: first exposure, variant, phase, segments, and what its exposure row says of metrics."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlglot import exp

from splitrun.measure.parts import What, outcome, parts
from splitrun.measure.rows.enrolment import Enrolment
from splitrun.measure.rows.roll import Roll, looked_at, rows_of
from splitrun.measure.segments import MISSING
from splitrun.measure.sql import (
    Work,
    column,
    every,
    relation,
    select,
    text,
    titled,
    tree,
    until,
    whole,
)
from splitrun.spec.source import EXPOSURES

__all__ = ["UNITS", "Roll", "enrolled", "trusted"]

SEEN = "_seen"
FIRST = "_first"
UNITS = "_units"


def enrolled(
    work: Work,
    enrolment: Enrolment,
    labels: Sequence[exp.Expr],
    in_place: Sequence[exp.Expr] | None = None,
) -> Roll:
    """Make the table of units and count what was wrong with the exposures.

    Args:
        work: Where SQL runs.
        enrolment: What to read.
        labels: Each segment's raw label of a row, in the plan's order.
        in_place: What each label is made of, where units may be read where the exposures stand if none of
            them has two rows; else None.

    Returns:
        The counts. The table `_units` has a row per unit: n, key, rank, at, phase, cluster, s0…, c0…,
        p0…, f0…, and r0… in place.
    """
    roll = looked_at(work, enrolment, numbers=in_place is not None)
    roll.in_place = in_place is not None and roll.apart
    if in_place is not None and roll.apart:
        n = whole(0) if enrolment.by_row else tree("key")
        if not roll.summed:
            seen = _seen(enrolment, labels, in_place)
            _summed(work, enrolment, roll, seen.subquery("u", copy=False))
        # read again and again: what no unit lacks is looked at no more
        seen = _seen(enrolment, labels, in_place, roll.filled)
        work.name("units", UNITS, _numbered(seen.subquery("x", copy=False), n))
    else:
        _keep_units(work, enrolment, labels, roll)
        _summed(work, enrolment, roll, relation(UNITS, "u"))
    _not_finite(work, enrolment, roll)
    return roll


def trusted(
    work: Work, enrolment: Enrolment, labels: Sequence[exp.Expr], in_place: Sequence[exp.Expr]
) -> Roll:
    """Name the table of units as `enrolled` does, with the rows taken at their word: none is looked at."""
    numbers = [f"c{place}" for place in range(len(enrolment.covariates))]
    numbers += [f"p{place}" for place in range(len(enrolment.parts))]
    seen = _seen(enrolment, labels, in_place, numbers, trusted=True).subquery("x", copy=False)
    work.name("units", UNITS, _numbered(seen, whole(0) if enrolment.by_row else tree("key")))
    return Roll(
        rows=enrolment.reading.loaded.rows, apart=True, filled=frozenset(numbers), trusted=True, in_place=True
    )


def _keep_units(work: Work, enrolment: Enrolment, labels: Sequence[exp.Expr], roll: Roll) -> None:
    clustered = enrolment.exposures.cluster is not None
    made = FIRST if clustered else UNITS
    if roll.apart:
        n = tree("ROW_NUMBER() OVER ()")
        work.keep("units", made, _numbered(_seen(enrolment, labels).subquery("x", copy=False), n))
    else:
        work.keep("exposures", SEEN, _seen(enrolment, labels))
        _count(work, enrolment, roll)
        work.keep("units", made, _first(enrolment, len(labels)))
        work.forget(SEEN)
        roll.conflicting = _conflicts(work, enrolment, made)
    roll.unclustered = _keep_clustered(work) if clustered else 0


def _seen(
    enrolment: Enrolment,
    labels: Sequence[exp.Expr],
    raws: Sequence[exp.Expr] = (),
    filled: Collection[str] = (),
    *,
    trusted: bool = False,
) -> exp.Select:
    """The rows that name a unit, a planned variant and, where there is `time`, a moment."""
    exposures, reading = enrolment.exposures, enrolment.reading
    phase = (
        reading.attribute(exposures.phase, "exposures.phase").written("r") if exposures.phase else text("")
    )
    named: list[tuple[str, exp.Expr]] = [
        ("key", enrolment.key()),
        ("rank", enrolment.rank()),
        ("at", enrolment.at()),
        ("phase", tree("COALESCE(:phase, '(missing)')", phase=phase)),
        ("cluster", enrolment.cluster()),
        *((f"s{place}", label) for place, label in enumerate(labels)),
        *((f"r{place}", each) for place, each in enumerate(raws)),
        *(
            (f"c{place}", enrolment.covariate(name, filled=f"c{place}" in filled))
            for place, name in enumerate(enrolment.covariates)
        ),
    ]
    for place, part in enumerate(enrolment.parts):
        if part.source == EXPOSURES:
            named += outcome(reading, part, place, filled=f"p{place}" in filled)
    kept = [] if trusted else [tree("key IS NOT NULL AND rank IS NOT NULL")]
    if exposures.time is not None:
        kept.append(tree("at IS NOT NULL"))
        kept.append(until("at", enrolment.limit))
    inner = select(named, rows_of(enrolment)).subquery("x", copy=False)
    rows = exp.select("*").from_(inner, copy=False)
    return rows.where(every(kept), copy=False) if kept else rows


def _numbered(units: exp.Expr, n: exp.Expr) -> exp.Select:
    return exp.select("*").from_(units, copy=False).select(titled("n", n), copy=False)


def _count(work: Work, enrolment: Enrolment, roll: Roll) -> None:
    """Count duplicates and crossovers."""
    pairs = select(
        [("key", tree("key")), ("rank", tree("rank")), ("rows", tree("COUNT(*)"))], relation(SEEN, "s")
    ).group_by(tree("key"), tree("rank"))
    units = select(
        [("rows", tree("SUM(rows)")), ("variants", tree("COUNT(*)"))], pairs.subquery("x")
    ).group_by(tree("key"))
    row = work.one(
        "duplicates and crossovers",
        select(
            [
                ("duplicates", tree("CAST(COALESCE(SUM(rows - variants), 0) AS BIGINT)")),
                ("crossovers", tree("COUNT_IF(variants > 1)")),
            ],
            units.subquery("y"),
        ),
    )
    roll.duplicates, roll.crossovers = int(row["duplicates"] or 0), int(row["crossovers"] or 0)
    roll.crossovers_left_out = enrolment.exposures.time is None and roll.crossovers > 0


def _first(enrolment: Enrolment, segments: int) -> exp.Select:
    """A row per unit: its first one."""
    crossed = tree("MIN(rank) OVER (PARTITION BY key) < MAX(rank) OVER (PARTITION BY key)")
    turn = tree("ROW_NUMBER() OVER (PARTITION BY key ORDER BY at NULLS LAST, rank)")
    ranked = exp.select("*").from_(_at_once(enrolment, segments).subquery("m"))
    ranked = ranked.select(exp.alias_(turn, "turn", quoted=True), exp.alias_(crossed, "crossed", quoted=True))
    kept = [tree("turn = 1")]
    if enrolment.exposures.time is None:
        kept.append(tree("NOT crossed"))
    return _numbered(ranked.subquery("x"), tree("ROW_NUMBER() OVER ()")).where(every(kept))


def _at_once(enrolment: Enrolment, segments: int) -> exp.Select:
    """A unit's rows of one variant and moment as one row: nobody can say which of them came first.

    What they agree on stands; what they disagree on is missing, and c says so. No outcome orders rows.
    """
    named: list[tuple[str, exp.Expr]] = [(name, column(name)) for name in ("key", "rank", "at")]
    for name in ("phase", *(f"s{place}" for place in range(segments))):
        holes = {"c": column(name), "missing": text(MISSING)}
        named.append((name, tree("CASE WHEN MIN(:c) = MAX(:c) THEN MIN(:c) ELSE :missing END", **holes)))
        named.append((f"c{name}", tree("MIN(:c) < MAX(:c)", **holes)))
    mine = [(place, part) for place, part in enumerate(enrolment.parts) if part.source == EXPOSURES]
    known = ["cluster", *(f"c{place}" for place in range(len(enrolment.covariates)))]
    for name in (*known, *(f"p{place}" for place, _ in mine)):
        agree = "COUNT(:p) = COUNT(*) AND MIN(:p) = MAX(:p)"
        named.append((name, tree(f"CASE WHEN {agree} THEN MIN(:p) END", p=column(name))))
        named.append((f"c{name}", tree(f"COUNT(:p) > 0 AND NOT ({agree})", p=column(name))))
    for place, part in mine:
        if part.what is What.TOTAL:
            named.append((f"f{place}", tree("MAX(:f)", f=column(f"f{place}"))))
    return select(named, relation(SEEN, "s")).group_by(tree("key"), tree("rank"), tree("at"))


def _conflicts(work: Work, enrolment: Enrolment, made: str) -> dict[str, int]:
    """Units whose first rows disagree: by metric, and by what else a row says of them."""
    places = {part: place for place, part in enumerate(enrolment.parts)}
    sides = {
        planned.key: [f"cp{places[part]}" for part in parts(planned.metric) if part.source == EXPOSURES]
        for planned in enrolment.plan.metrics
    }
    sides |= {
        f"segments.{planned.key}": [f"cs{place}"] for place, planned in enumerate(enrolment.plan.segments)
    }
    sides |= {"exposures.phase": ["cphase"], "exposures.cluster": ["ccluster"]}
    sides |= {f"analysis.adjust.{name}": [f"cc{place}"] for place, name in enumerate(enrolment.covariates)}
    named = [(key, exp.or_(*(column(name) for name in names))) for key, names in sides.items() if names]
    counted = [(f"c{place}", tree("COUNT_IF(:c)", c=each)) for place, (_, each) in enumerate(named)]
    row = work.one("rows that disagree", select(counted, relation(made, "u")))
    return {key: int(row[f"c{place}"] or 0) for place, (key, _) in enumerate(named) if row[f"c{place}"]}


def _keep_clustered(work: Work) -> int:
    """Leave out the units without a cluster, and number the clusters; how many were left out."""
    lost = work.one(
        "units without a cluster",
        select([("units", tree("COUNT_IF(cluster IS NULL)"))], relation(FIRST, "u")),
    )["units"]
    query = exp.select("*").from_(relation(FIRST, "u")).where(tree("cluster IS NOT NULL"))
    query = query.select(exp.alias_(tree("DENSE_RANK() OVER (ORDER BY cluster) - 1"), "g", quoted=True))
    work.keep("units in clusters", UNITS, query)
    work.forget(FIRST)
    return int(lost or 0)


def _summed(work: Work, enrolment: Enrolment, roll: Roll, units: exp.Expr) -> None:
    numbers = [f"p{place}" for place, part in enumerate(enrolment.parts) if part.source == EXPOSURES]
    numbers += [f"c{place}" for place in range(len(enrolment.covariates))]
    query = select(
        [
            ("rank", tree("rank")),
            ("units", tree("COUNT(*)")),
            ("first", tree("MIN(at)")),
            ("last", tree("MAX(at)")),
            *((name, tree("COUNT(:p)", p=column(name))) for name in numbers),
        ],
        units,
    ).group_by(tree("rank"), copy=False)
    rows = work.ask("units by variant", query).to_pylist()
    roll.filled = frozenset(name for name in numbers if all(row[name] == row["units"] for row in rows))
    held = {int(row["rank"]): int(row["units"]) for row in rows}
    roll.exposed = tuple(held.get(place, 0) for place in range(len(enrolment.plan.variants)))
    firsts, lasts = ([row[end] for row in rows if row[end] is not None] for end in ("first", "last"))
    roll.first, roll.last = min(firsts, default=None), max(lasts, default=None)


def _not_finite(work: Work, enrolment: Enrolment, roll: Roll) -> None:
    """Count the units with a value that is not finite, of parts that some unit lacks."""
    named = [
        (f"f{place}", tree("SUM(:f)", f=column(f"f{place}")))
        for place, part in enumerate(enrolment.parts)
        if part.source == EXPOSURES and part.what is What.TOTAL and f"p{place}" not in roll.filled
    ]
    if named:
        row = work.one("values that are not finite", select(named, relation(UNITS, "u")))
        roll.not_finite = {int(name[1:]): int(row[name] or 0) for name, _ in named}
