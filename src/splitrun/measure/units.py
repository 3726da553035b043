"""One row per unit: first exposure, variant, phase, segments, and what its exposure row says of metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlglot import exp

from splitrun.errors import DataError
from splitrun.measure.kinds import Attribute, Reading, labelled
from splitrun.measure.parts import Part, What, outcome, parts
from splitrun.measure.segments import MISSING
from splitrun.measure.sql import (
    Work,
    choice,
    column,
    every,
    falling,
    later,
    relation,
    select,
    text,
    tree,
    until,
    whole,
)
from splitrun.spec.plan import Plan
from splitrun.spec.source import EXPOSURES, Exposures
from splitrun.terms.tree import Kind

__all__ = ["EPOCH", "UNITS", "Roll", "enrolled", "identity", "microseconds", "moment"]

SEEN = "_seen"
UNITS = "_units"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

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
    not_finite: Mapping[int, int] = field(default_factory=dict)
    """By place of the part among the plan's parts: rows whose value is NaN or infinite."""


def microseconds(at: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (at - EPOCH) // MICROSECOND


def moment(micros: int | None) -> datetime | None:
    """The moment that many microseconds after 1970 UTC."""
    return None if micros is None else EPOCH + timedelta(microseconds=micros)


def identity(attribute: Attribute, alias: str, *, as_number: bool) -> exp.Expr:
    """A unit's id; null where it is empty."""
    if as_number:
        return tree("TRY_CAST(:c AS BIGINT)", c=attribute.at(alias))
    return tree("NULLIF(:id, '')", id=attribute.identity(alias))


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The plan's exposures, read, and what is to be taken from their rows."""

    plan: Plan
    exposures: Exposures
    reading: Reading
    parts: tuple[Part, ...]
    ids_as_numbers: bool
    limit: int | None
    """Rows after it are not read."""
    now: int | None
    """Rows after it are not yet possible, and counted."""

    @property
    def by_row(self) -> bool:
        """Whether each row is a unit of its own."""
        return self.exposures.unit == "row"

    def key(self) -> exp.Expr:
        """The unit's id, or the row's number."""
        if self.by_row:
            return tree("ROW_NUMBER() OVER ()")
        attribute = self.reading.attribute(self.exposures.unit, "exposures.unit")
        return identity(attribute, "r", as_number=self.ids_as_numbers)

    def at(self) -> exp.Expr:
        """The moment of exposure; null without `time`."""
        if self.exposures.time is None:
            return tree("CAST(NULL AS BIGINT)")
        return moment_of(self.reading, self.exposures.time, "r", "exposures.time")

    def rank(self) -> exp.Expr:
        """The place of the row's variant in the plan; null where it is none of them."""
        attribute = self.reading.attribute(self.exposures.variant, "exposures.variant")
        places = {variant.key: place for place, variant in enumerate(self.plan.variants)}
        labels = self.exposures.variants or {key: key for key in places}
        return choice(
            (labelled(attribute, label), whole(places[key])) for label, key in labels.items() if key in places
        )

    def label(self) -> exp.Expr:
        """What stands in the variant column; null where nothing does."""
        attribute = self.reading.attribute(self.exposures.variant, "exposures.variant")
        return tree("NULLIF(:label, '')", label=attribute.written("r"))


def moment_of(reading: Reading, name: str, alias: str, wanted: str) -> exp.Expr:
    """A time column in microseconds since 1970 UTC.

    Raises:
        DataError: The column holds numbers or something else that is no time.
    """
    attribute = reading.attribute(name, wanted)
    if attribute.kind is Kind.NUMBER:
        raise DataError(
            f"{reading.key}: the column {name!r}, which {wanted} names, holds numbers, and whether they "
            "count seconds, milliseconds or something else cannot be seen; "
            "write times like 2026-11-22T18:30:00Z"
        )
    if attribute.kind is Kind.BOOLEAN:
        raise DataError(
            f"{reading.key}: the column {name!r}, which {wanted} names, holds true and false; name a time"
        )
    return attribute.moment(alias, reading.timezone)


def enrolled(work: Work, enrolment: Enrolment, labels: Sequence[exp.Expr]) -> Roll:
    """Make the table of units and count what was wrong with the exposures.

    Args:
        work: Where SQL runs.
        enrolment: What to read.
        labels: Each segment's raw label of a row, in the plan's order.

    Returns:
        The counts. The table `_units` has a row per unit: n, key, rank, at, phase, s0…, p0…, f0….
    """
    roll = _looked_at(work, enrolment)
    roll.unknown = _unknown(work, enrolment)
    _keep_seen(work, enrolment, labels)
    twice = _counted(work, enrolment, roll)
    _keep_units(work, enrolment, len(labels), twice=twice)
    roll.conflicting = _conflicts(work, enrolment) if twice else {}
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
    row = work.one("exposures looked at", select(_tallies(enrolment), _raw(enrolment).subquery("x")))
    named = ("rows", "no_unit", "no_variant", "no_time", "zoned", "zoneless", "future", "due")
    count = {name: int(row[name] or 0) for name in named}
    due = count["due"]
    if count["no_time"] * 2 > due:
        raise _unreadable_times(work, enrolment, count["no_time"], due)
    latest, source_last = row["latest"], row["last"]
    return Roll(
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


def _tallies(enrolment: Enrolment) -> list[tuple[str, exp.Expr]]:
    due = "key IS NOT NULL AND rank IS NOT NULL"
    timed = exp.true() if enrolment.exposures.time else exp.false()
    read = until("at", enrolment.limit)
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
        *((f"s{place}", label) for place, label in enumerate(labels)),
    ]
    for place, part in enumerate(enrolment.parts):
        if part.source == EXPOSURES:
            named += outcome(reading, part, place)
    kept = [tree("key IS NOT NULL AND rank IS NOT NULL")]
    if exposures.time is not None:
        kept.append(tree("at IS NOT NULL"))
        kept.append(until("at", enrolment.limit))
    inner = select(named, _rows(enrolment)).subquery("x")
    work.keep("exposures", SEEN, exp.select("*").from_(inner).where(every(kept)))


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


def _keep_units(work: Work, enrolment: Enrolment, segments: int, *, twice: bool) -> None:
    seen: exp.Expr = relation(SEEN, "s")
    kept: list[exp.Expr] = []
    if twice:
        crossed = tree("MIN(rank) OVER (PARTITION BY key) < MAX(rank) OVER (PARTITION BY key)")
        turn = tree("ROW_NUMBER() OVER (PARTITION BY key ORDER BY at NULLS LAST, rank)")
        ranked = exp.select("*").from_(_at_once(enrolment, segments).subquery("m"))
        ranked = ranked.select(
            exp.alias_(turn, "turn", quoted=True), exp.alias_(crossed, "crossed", quoted=True)
        )
        seen = ranked.subquery("x")
        kept.append(tree("turn = 1"))
        if enrolment.exposures.time is None:
            kept.append(tree("NOT crossed"))
    query = exp.select("*").from_(seen)
    query = query.select(exp.alias_(tree("ROW_NUMBER() OVER ()"), "n", quoted=True))
    work.keep("units", UNITS, query.where(every(kept)))


def _at_once(enrolment: Enrolment, segments: int) -> exp.Select:
    """A unit's rows of one variant and moment as one row: nobody can say which of them came first.

    What they agree on stands; what they disagree on is missing, and c says so. No outcome orders rows.
    """
    named: list[tuple[str, exp.Expr]] = [(name, column(name)) for name in ("key", "rank", "at")]
    for name in ("phase", *(f"s{place}" for place in range(segments))):
        holes = {"c": column(name), "missing": text(MISSING)}
        named.append((name, tree("CASE WHEN MIN(:c) = MAX(:c) THEN MIN(:c) ELSE :missing END", **holes)))
        named.append((f"c{name}", tree("MIN(:c) < MAX(:c)", **holes)))
    for place, part in enumerate(enrolment.parts):
        if part.source != EXPOSURES:
            continue
        agree = "COUNT(:p) = COUNT(*) AND MIN(:p) = MAX(:p)"
        number = column(f"p{place}")
        named.append((f"p{place}", tree(f"CASE WHEN {agree} THEN MIN(:p) END", p=number)))
        named.append((f"cp{place}", tree(f"COUNT(:p) > 0 AND NOT ({agree})", p=number)))
        if part.what is What.TOTAL:
            named.append((f"f{place}", tree("MAX(:f)", f=column(f"f{place}"))))
    return select(named, relation(SEEN, "s")).group_by(tree("key"), tree("rank"), tree("at"))


def _conflicts(work: Work, enrolment: Enrolment) -> dict[str, int]:
    """Units whose first rows disagree: by metric, and by segment or phase."""
    places = {part: place for place, part in enumerate(enrolment.parts)}
    sides = {
        planned.key: [f"cp{places[part]}" for part in parts(planned.metric) if part.source == EXPOSURES]
        for planned in enrolment.plan.metrics
    }
    sides |= {
        f"segments.{planned.key}": [f"cs{place}"] for place, planned in enumerate(enrolment.plan.segments)
    }
    sides["exposures.phase"] = ["cphase"]
    named = [(key, exp.or_(*(column(name) for name in names))) for key, names in sides.items() if names]
    counted = [(f"c{place}", tree("COUNT_IF(:c)", c=each)) for place, (_, each) in enumerate(named)]
    row = work.one("rows that disagree", select(counted, relation(UNITS, "u")))
    return {key: int(row[f"c{place}"] or 0) for place, (key, _) in enumerate(named) if row[f"c{place}"]}


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
