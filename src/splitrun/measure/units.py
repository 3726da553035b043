"""One row per unit: first exposure, variant, phase, segments, and what its exposure row says of metrics."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from splitrun.errors import DataError
from splitrun.measure.parts import What, outcome, parts
from splitrun.measure.rows.enrolment import Enrolment
from splitrun.measure.segments import MISSING
from splitrun.measure.sql import (
    Work,
    column,
    every,
    falling,
    later,
    relation,
    select,
    text,
    titled,
    tree,
    until,
    whole,
)
from splitrun.spec.source import EXPOSURES

__all__ = ["UNITS", "Roll", "enrolled"]

SEEN = "_seen"
FIRST = "_first"
UNITS = "_units"

UNKNOWN_LISTED = 50
"""How many variants that the plan does not know are listed by name; the rest is one sum."""


@dataclass(slots=True)
class Roll:
    """What the exposures say of themselves, before any outcome."""

    rows: int = 0
    no_unit: int = 0
    no_variant: int = 0
    no_time: int = 0
    zoned: int = 0
    zoneless: int = 0
    future: int = 0
    """Rows later than the moment of reading."""
    latest: int | None = None
    """Of the rows that name a unit and a planned variant."""
    source_last: int | None = None
    """Of all rows."""
    first: int | None = None
    last: int | None = None
    duplicates: int = 0
    crossovers: int = 0
    crossovers_left_out: bool = False
    unknown: tuple[tuple[str, int], ...] = ()
    exposed: tuple[int, ...] = ()
    conflicting: Mapping[str, int] = field(default_factory=dict)
    """Units whose first rows disagree, by what they disagree on."""
    not_finite: Mapping[int, int] = field(default_factory=dict)
    """By place of the part among the plan's parts: rows whose value is NaN or infinite."""
    unclustered: int = 0
    """Units without a cluster, left out."""
    filled: frozenset[str] = frozenset()
    """Columns with a number of each unit that no unit lacks."""
    in_place: bool = False
    """Whether units are read where the exposures stand: no unit has two rows, and its id is its n."""


def enrolled(
    work: Work, enrolment: Enrolment, labels: Sequence[exp.Expr], in_place: Sequence[exp.Expr] | None = None
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
    roll, apart = _looked_at(work, enrolment)
    roll.unknown = _unknown(work, enrolment)
    roll.in_place = in_place is not None and apart
    if in_place is not None and apart:
        n = whole(0) if enrolment.by_row else tree("key")
        seen = _seen(enrolment, labels, in_place)
        _summed(work, enrolment, roll, seen.subquery("u", copy=False))
        # read again and again: what no unit lacks is looked at no more
        seen = _seen(enrolment, labels, in_place, roll.filled)
        work.name("units", UNITS, _numbered(seen.subquery("x", copy=False), n))
        _not_finite(work, enrolment, roll)
    else:
        _keep_units(work, enrolment, labels, roll, apart=apart)
        _summed(work, enrolment, roll, relation(UNITS, "u"))
        _not_finite(work, enrolment, roll)
    return roll


def _keep_units(
    work: Work, enrolment: Enrolment, labels: Sequence[exp.Expr], roll: Roll, *, apart: bool
) -> None:
    clustered = enrolment.exposures.cluster is not None
    made = FIRST if clustered else UNITS
    if apart:
        n = tree("ROW_NUMBER() OVER ()")
        work.keep("units", made, _numbered(_seen(enrolment, labels).subquery("x", copy=False), n))
    else:
        work.keep("exposures", SEEN, _seen(enrolment, labels))
        _count(work, enrolment, roll)
        work.keep("units", made, _first(enrolment, len(labels)))
        work.forget(SEEN)
        roll.conflicting = _conflicts(work, enrolment, made)
    roll.unclustered = _keep_clustered(work) if clustered else 0


def _rows(enrolment: Enrolment) -> exp.Expr:
    return relation(enrolment.reading.loaded.relation, "r")


def _raw(enrolment: Enrolment) -> exp.Select:
    exposures, reading = enrolment.exposures, enrolment.reading
    timed = reading.attribute(exposures.time, "exposures.time") if exposures.time else None
    return select(
        [
            ("key", enrolment.key()),
            ("label", enrolment.label()),
            ("rank", enrolment.rank()),
            ("at", enrolment.at()),
            ("zoned", timed.zoned("r") if timed else exp.false()),
        ],
        _rows(enrolment),
    )


def _looked_at(work: Work, enrolment: Enrolment) -> tuple[Roll, bool]:
    """What the rows say, and whether every row that is kept is of another unit."""
    row = work.one(
        "exposures looked at", select(_tallies(enrolment), _raw(enrolment).subquery("x", copy=False))
    )
    named = ("rows", "no_unit", "no_variant", "no_time", "zoned", "zoneless", "future", "due")
    count = {name: int(row[name] or 0) for name in named}
    due = count["due"]
    if count["no_time"] * 2 > due:
        raise _unreadable_times(work, enrolment, count["no_time"], due)
    latest, source_last = row["latest"], row["last"]
    roll = Roll(
        rows=count["rows"],
        no_unit=count["no_unit"],
        no_variant=count["no_variant"],
        no_time=count["no_time"],
        zoned=count["zoned"],
        zoneless=count["zoneless"],
        future=count["future"],
        latest=None if latest is None else int(latest),
        source_last=None if source_last is None else int(source_last),
    )
    return roll, row["kept"] == row["apart"]


def _tallies(enrolment: Enrolment) -> list[tuple[str, exp.Expr]]:
    due = "key IS NOT NULL AND rank IS NOT NULL"
    timed = exp.true() if enrolment.exposures.time else exp.false()
    read = until("at", enrolment.limit)
    kept = tree(due)
    if enrolment.exposures.time:
        kept = tree(f"{due} AND at IS NOT NULL AND :ok", ok=read)
    apart = tree("COUNT_IF(:kept)", kept=kept)
    if not enrolment.by_row:
        apart = tree("COUNT(DISTINCT CASE WHEN :kept THEN key END)", kept=kept)
    return [
        ("rows", tree("COUNT(*)")),
        ("no_unit", tree("COUNT_IF(key IS NULL)")),
        ("no_variant", tree("COUNT_IF(key IS NOT NULL AND label IS NULL)")),
        ("due", tree(f"COUNT_IF({due})")),
        ("no_time", tree(f"COUNT_IF(:t AND {due} AND at IS NULL)", t=timed)),
        ("zoned", tree("COUNT_IF(at IS NOT NULL AND zoned)")),
        ("zoneless", tree("COUNT_IF(at IS NOT NULL AND NOT zoned)")),
        ("future", later("at", enrolment.now)),
        ("last", tree("MAX(CASE WHEN :ok THEN at END)", ok=read)),
        ("latest", tree(f"MAX(CASE WHEN {due} AND :ok THEN at END)", ok=read)),
        ("kept", tree("COUNT_IF(:kept)", kept=kept)),
        ("apart", apart),
    ]


def _unreadable_times(work: Work, enrolment: Enrolment, bad: int, of: int) -> DataError:
    name = enrolment.exposures.time or ""
    cell = column(name, "r")
    query = select([("cell", tree("CAST(:c AS TEXT)", c=cell))], _rows(enrolment))
    query = query.where(
        tree("(:at) IS NULL AND NULLIF(CAST(:c AS TEXT), '') IS NOT NULL", at=enrolment.at(), c=cell)
    )
    query = query.distinct().order_by(tree("cell")).limit(whole(3))
    seen = [repr(str(row["cell"])[:40]) for row in work.ask("times that cannot be read", query).to_pylist()]
    like = f" (like {', '.join(seen)})" if seen else ""
    return DataError(
        f"exposures: {bad:,} of {of:,} rows have no readable time in {name!r}{like}; "
        "write times in ISO 8601, like 2026-11-22T18:30:00Z, or leave `exposures.time` out"
    )


def _unknown(work: Work, enrolment: Enrolment) -> tuple[tuple[str, int], ...]:
    query = (
        select(
            [("label", tree("label")), ("rows", tree("COUNT(*)"))], _raw(enrolment).subquery("x", copy=False)
        )
        .where(tree("key IS NOT NULL AND label IS NOT NULL AND rank IS NULL"), copy=False)
        .group_by(tree("label"), copy=False)
        .order_by(falling(tree("COUNT(*)")), tree("label"), copy=False)
    )
    rows = work.ask("unknown variants", query).to_pylist()
    listed = [(str(row["label"]), int(row["rows"])) for row in rows[:UNKNOWN_LISTED]]
    if len(rows) > UNKNOWN_LISTED:
        rest = rows[UNKNOWN_LISTED:]
        listed.append((f"({len(rest):,} others)", sum(int(row["rows"]) for row in rest)))
    return tuple(listed)


def _seen(
    enrolment: Enrolment,
    labels: Sequence[exp.Expr],
    raws: Sequence[exp.Expr] = (),
    filled: Collection[str] = (),
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
    kept = [tree("key IS NOT NULL AND rank IS NOT NULL")]
    if exposures.time is not None:
        kept.append(tree("at IS NOT NULL"))
        kept.append(until("at", enrolment.limit))
    inner = select(named, _rows(enrolment)).subquery("x", copy=False)
    return exp.select("*").from_(inner, copy=False).where(every(kept), copy=False)


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
