"""What the rows of the exposures say of themselves, looked at once before any outcome is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from splitrun.errors import DataError
from splitrun.measure.parts import outcome, usable
from splitrun.measure.rows.enrolment import Enrolment
from splitrun.measure.sql import Work, column, falling, later, relation, select, tree, until, whole
from splitrun.spec.source import EXPOSURES

__all__ = ["Roll", "looked_at", "rows_of"]

UNKNOWN_LISTED = 50
"""How many variants that the plan does not know are listed by name; the rest is one sum."""
DUE = "key IS NOT NULL AND rank IS NOT NULL"
"""Said of a row that names a unit and a planned variant."""
MOMENTS = frozenset({"last", "latest", "first"})
"""Of what is asked of the rows: what is no count."""


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
    apart: bool = False
    """Whether no unit has two rows."""
    summed: bool = False
    """Whether `exposed`, `first`, `last` and `filled` are known already."""
    trusted: bool = False
    """Whether nobody has looked at the rows: each is taken for a unit of its own with all its numbers, until
    they are added up; `exposed` is not known before either."""
    in_place: bool = False
    """Whether units are read where the exposures stand: no unit has two rows, and its id is its n."""


def rows_of(enrolment: Enrolment) -> exp.Expr:
    """The rows of the exposures, as r."""
    return relation(enrolment.reading.loaded.relation, "r")


def looked_at(work: Work, enrolment: Enrolment, *, numbers: bool) -> Roll:
    """Look at all rows once.

    Args:
        work: Where SQL runs.
        enrolment: What to read.
        numbers: Whether units may turn out to be the rows, so that they are counted and their numbers looked
            at as well: reading the rows once costs less than reading them twice.

    Raises:
        DataError: Most of the times cannot be read, or a covariate holds no numbers.
    """
    columns = _numbers(enrolment) if numbers else []
    tallies = _tallies(enrolment)
    if numbers:
        tallies += _of_units(enrolment, [name for name, _ in columns])
    row = work.one("exposures looked at", select(tallies, _raw(enrolment, columns)))
    count = {name: int(row[name] or 0) for name, _ in tallies if name not in MOMENTS}
    if count["no_time"] * 2 > count["due"]:
        raise _unreadable_times(work, enrolment, count["no_time"], count["due"])
    latest, source_last = _moment(row["latest"]), _moment(row["last"])
    roll = Roll(
        rows=count["rows"],
        no_unit=count["no_unit"],
        no_variant=count["no_variant"],
        no_time=count["no_time"],
        zoned=count["zoned"],
        zoneless=count["zoneless"],
        future=count["future"],
        latest=latest,
        source_last=source_last,
        unknown=_unknown(work, enrolment) if count["unknown"] else (),
        apart=count["kept"] == count["apart"],
    )
    if numbers and roll.apart:
        roll.exposed = tuple(count[f"u{place}"] for place in range(len(enrolment.plan.variants)))
        roll.first, roll.last = _moment(row["first"]), latest
        roll.filled = frozenset(name for name, _ in columns if count[name] == count["rows"])
        # a row that is not kept may be the one that lacks a number
        roll.summed = count["kept"] == count["rows"] or len(roll.filled) == len(columns)
    return roll


def _moment(found: float | str | None) -> int | None:
    return None if found is None else int(found)


def _raw(enrolment: Enrolment, columns: Sequence[tuple[str, exp.Expr]] = ()) -> exp.Subquery:
    exposures, reading = enrolment.exposures, enrolment.reading
    timed = reading.attribute(exposures.time, "exposures.time") if exposures.time else None
    return select(
        [
            ("key", enrolment.key()),
            ("label", enrolment.label()),
            ("rank", enrolment.rank()),
            ("at", enrolment.at()),
            ("zoned", timed.zoned("r") if timed else exp.false()),
            *columns,
        ],
        rows_of(enrolment),
    ).subquery("x", copy=False)


def _numbers(enrolment: Enrolment) -> list[tuple[str, exp.Expr]]:
    """The numbers that a row may hold; null or not usable where it lacks one."""
    named = [
        (f"c{place}", enrolment.covariate(name, filled=True))
        for place, name in enumerate(enrolment.covariates)
    ]
    for place, part in enumerate(enrolment.parts):
        if part.source == EXPOSURES:
            # taken at its word, but where a condition that is null would pass for one that is false
            named += outcome(enrolment.reading, part, place, filled=part.where is None)[:1]
    return named


def _kept(enrolment: Enrolment) -> exp.Expr:
    """Whether a row is a unit's."""
    if enrolment.exposures.time is None:
        return tree(DUE)
    return tree(f"{DUE} AND at IS NOT NULL AND :ok", ok=until("at", enrolment.limit))


def _tallies(enrolment: Enrolment) -> list[tuple[str, exp.Expr]]:
    timed = exp.true() if enrolment.exposures.time else exp.false()
    read, kept = until("at", enrolment.limit), _kept(enrolment)
    apart = tree("COUNT_IF(:kept)", kept=kept)
    if not enrolment.by_row:
        apart = tree("COUNT(DISTINCT CASE WHEN :kept THEN key END)", kept=kept)
    return [
        ("rows", tree("COUNT(*)")),
        ("no_unit", tree("COUNT_IF(key IS NULL)")),
        ("no_variant", tree("COUNT_IF(key IS NOT NULL AND label IS NULL)")),
        ("unknown", tree("COUNT_IF(key IS NOT NULL AND label IS NOT NULL AND rank IS NULL)")),
        ("due", tree(f"COUNT_IF({DUE})")),
        ("no_time", tree(f"COUNT_IF(:t AND {DUE} AND at IS NULL)", t=timed)),
        ("zoned", tree("COUNT_IF(at IS NOT NULL AND zoned)")),
        ("zoneless", tree("COUNT_IF(at IS NOT NULL AND NOT zoned)")),
        ("future", later("at", enrolment.now)),
        ("last", tree("MAX(CASE WHEN :ok THEN at END)", ok=read)),
        ("latest", tree(f"MAX(CASE WHEN {DUE} AND :ok THEN at END)", ok=read)),
        ("kept", tree("COUNT_IF(:kept)", kept=kept)),
        ("apart", apart),
    ]


def _of_units(enrolment: Enrolment, numbers: Sequence[str]) -> list[tuple[str, exp.Expr]]:
    kept = _kept(enrolment)
    return [
        ("first", tree("MIN(CASE WHEN :kept THEN at END)", kept=kept)),
        *(
            (f"u{place}", tree("COUNT_IF(:kept AND rank = :place)", kept=kept, place=whole(place)))
            for place in range(len(enrolment.plan.variants))
        ),
        *((name, tree("COUNT_IF(:ok)", ok=usable(column(name)))) for name in numbers),
    ]


def _unreadable_times(work: Work, enrolment: Enrolment, bad: int, of: int) -> DataError:
    name = enrolment.exposures.time or ""
    cell = column(name, "r")
    query = select([("cell", tree("CAST(:c AS TEXT)", c=cell))], rows_of(enrolment))
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
        select([("label", tree("label")), ("rows", tree("COUNT(*)"))], _raw(enrolment))
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
