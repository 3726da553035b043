"""One row per unit: first exposure, variant, phase, segments, and what its exposure row says of metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from splitrun.measure.kinds import Reading
from splitrun.measure.parts import Part, What, condition, usable, value
from splitrun.measure.rows.enrolment import Enrolment
from splitrun.measure.sql import Work, column, every, falling, relation, select, text, tree, whole
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
    latest: int | None = None
    first: int | None = None
    last: int | None = None
    duplicates: int = 0
    crossovers: int = 0
    crossovers_left_out: bool = False
    unknown: tuple[tuple[str, int], ...] = ()
    exposed: tuple[int, ...] = ()
    not_finite: Mapping[int, int] = field(default_factory=dict)
    """By place of the part among the plan's parts: rows whose value is NaN or infinite."""
    future: int = 0
    """Rows later than `now`."""
    unclustered: int = 0
    """Units without a cluster, left out."""


def enrolled(work: Work, enrolment: Enrolment, labels: Sequence[exp.Expr]) -> Roll:
    """Make the table of units and count what was wrong with the exposures.

    Args:
        work: Where SQL runs.
        enrolment: What to read.
        labels: Each segment's raw label of a row, in the plan's order.

    Returns:
        The counts. The table `_units` has a row per unit: n, key, rank, at, phase, cluster, s0…, c0…,
        p0…, f0….
    """
    roll = _looked_at(work, enrolment)
    roll.unknown = _unknown(work, enrolment)
    _keep_seen(work, enrolment, labels)
    twice = _counted(work, enrolment, roll)
    roll.unclustered = _keep_units(work, enrolment, len(labels), twice=twice)
    _summed(work, enrolment, roll)
    return roll


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


def _looked_at(work: Work, enrolment: Enrolment) -> Roll:
    timed = exp.true() if enrolment.exposures.time else exp.false()
    row = work.one(
        "exposures looked at",
        select(
            [
                ("rows", tree("COUNT(*)")),
                ("no_unit", tree("COUNT_IF(key IS NULL)")),
                ("no_variant", tree("COUNT_IF(key IS NOT NULL AND label IS NULL)")),
                (
                    "no_time",
                    tree(
                        "COUNT_IF(:t AND key IS NOT NULL AND rank IS NOT NULL AND at IS NULL)", t=timed
                    ),
                ),
                ("zoned", tree("COUNT_IF(at IS NOT NULL AND zoned)")),
                ("zoneless", tree("COUNT_IF(at IS NOT NULL AND NOT zoned)")),
                *_to_now(enrolment),
            ],
            _raw(enrolment).subquery("x"),
        ),
    )  # fmt: skip
    latest = row["latest"]
    return Roll(
        rows=int(row["rows"] or 0),
        no_unit=int(row["no_unit"] or 0),
        no_variant=int(row["no_variant"] or 0),
        no_time=int(row["no_time"] or 0),
        zoned=int(row["zoned"] or 0),
        zoneless=int(row["zoneless"] or 0),
        latest=None if latest is None else int(latest),
        future=int(row["future"] or 0),
    )


def _to_now(enrolment: Enrolment) -> list[tuple[str, exp.Expr]]:
    if enrolment.now is None:
        return [("future", whole(0)), ("latest", tree("MAX(at)"))]
    now = whole(enrolment.now)
    return [
        ("future", tree("COUNT_IF(at > :now)", now=now)),
        ("latest", tree("MAX(CASE WHEN at <= :now THEN at END)", now=now)),
    ]


def _unknown(work: Work, enrolment: Enrolment) -> tuple[tuple[str, int], ...]:
    query = (
        select([("label", tree("label")), ("rows", tree("COUNT(*)"))], _raw(enrolment).subquery("x"))
        .where(tree("key IS NOT NULL AND label IS NOT NULL AND rank IS NULL"))
        .group_by(tree("label"))
        .order_by(falling(tree("COUNT(*)")), tree("label"))
    )
    rows = work.ask("unknown variants", query).to_pylist()
    listed = [(str(row["label"]), int(row["rows"])) for row in rows[:UNKNOWN_LISTED]]
    if len(rows) > UNKNOWN_LISTED:
        rest = rows[UNKNOWN_LISTED:]
        listed.append((f"({len(rest):,} others)", sum(int(row["rows"]) for row in rest)))
    return tuple(listed)


def _keep_seen(work: Work, enrolment: Enrolment, labels: Sequence[exp.Expr]) -> None:
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
        *((f"c{place}", enrolment.covariate(name)) for place, name in enumerate(enrolment.covariates)),
    ]
    for place, part in enumerate(enrolment.parts):
        if part.source == EXPOSURES:
            named += _outcome(reading, part, place)
    kept = [tree("key IS NOT NULL AND rank IS NOT NULL")]
    if exposures.time is not None:
        kept.append(tree("at IS NOT NULL"))
        if enrolment.as_of is not None:
            kept.append(tree("at <= :as_of", as_of=whole(enrolment.as_of)))
    inner = select(named, _rows(enrolment)).subquery("x")
    work.keep("exposures", SEEN, exp.select("*").from_(inner).where(every(kept)))


def _outcome(reading: Reading, part: Part, place: int) -> list[tuple[str, exp.Expr]]:
    """A part from the exposure row: p is its value, null where missing; f says that it is not finite."""
    wanted = "a metric of the exposures"
    where = exp.true() if part.where is None else condition(reading, part.where, "r", wanted)
    if part.what is not What.TOTAL or part.value is None:
        return [(f"p{place}", tree("CASE WHEN :w THEN 1.0 WHEN NOT :w THEN 0.0 END", w=where))]
    number = value(reading, part.value, "r", wanted)
    return [
        (
            f"p{place}",
            tree(
                "CASE WHEN NOT :w THEN 0.0 WHEN :w AND :ok THEN :n END", w=where, n=number, ok=usable(number)
            ),
        ),
        (
            f"f{place}",
            tree("CASE WHEN :w AND NOT :ok THEN 1 ELSE 0 END", w=where, n=number, ok=usable(number)),
        ),
    ]


def _counted(work: Work, enrolment: Enrolment, roll: Roll) -> bool:
    """Count duplicates and crossovers; whether some unit has more than one row."""
    if enrolment.by_row:
        return False
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
    return bool(roll.duplicates or roll.crossovers)


def _keep_units(work: Work, enrolment: Enrolment, segments: int, *, twice: bool) -> int:
    """Keep a row per unit; how many units were left out because they have no cluster."""
    seen: exp.Expr = relation(SEEN, "s")
    kept: list[exp.Expr] = []
    if twice:
        # ties are broken by everything a row says, so that the order of the rows decides nothing
        order = ["at", "rank", "phase", "cluster", *(f"s{place}" for place in range(segments))]
        order += [f"c{place}" for place in range(len(enrolment.covariates))]
        order += [f"p{place}" for place, part in enumerate(enrolment.parts) if part.source == EXPOSURES]
        listed = ", ".join(f"{name} NULLS LAST" for name in order)
        ranked = exp.select("*").from_(seen)
        ranked = ranked.select(
            exp.alias_(tree(f"ROW_NUMBER() OVER (PARTITION BY key ORDER BY {listed})"), "turn", quoted=True),
            exp.alias_(
                tree("MIN(rank) OVER (PARTITION BY key) < MAX(rank) OVER (PARTITION BY key)"),
                "crossed",
                quoted=True,
            ),
        )  # fmt: skip
        seen = ranked.subquery("x")
        kept.append(tree("turn = 1"))
        if enrolment.exposures.time is None:
            kept.append(tree("NOT crossed"))
    query = exp.select("*").from_(seen)
    query = query.select(exp.alias_(tree("ROW_NUMBER() OVER ()"), "n", quoted=True))
    clustered = enrolment.exposures.cluster is not None
    work.keep("units", FIRST if clustered else UNITS, query.where(every(kept)))
    work.forget(SEEN)
    return _keep_clustered(work) if clustered else 0


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


def _summed(work: Work, enrolment: Enrolment, roll: Roll) -> None:
    valued = [
        place
        for place, part in enumerate(enrolment.parts)
        if part.source == EXPOSURES and part.what is What.TOTAL
    ]
    query = select(
        [
            ("rank", tree("rank")),
            ("units", tree("COUNT(*)")),
            ("first", tree("MIN(at)")),
            ("last", tree("MAX(at)")),
            *((f"f{place}", tree("SUM(:f)", f=column(f"f{place}"))) for place in valued),
        ],
        relation(UNITS, "u"),
    ).group_by(tree("rank"))
    rows = work.ask("units by variant", query).to_pylist()
    units = {int(row["rank"]): int(row["units"]) for row in rows}
    roll.exposed = tuple(units.get(place, 0) for place in range(len(enrolment.plan.variants)))
    firsts, lasts = ([row[end] for row in rows if row[end] is not None] for end in ("first", "last"))
    roll.first, roll.last = min(firsts, default=None), max(lasts, default=None)
    roll.not_finite = {place: sum(int(row[f"f{place}"]) for row in rows) for place in valued}
