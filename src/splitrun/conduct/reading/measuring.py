"""Measure a region and write its moments to a file: no row leaves, and no level with few units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from splitrun.check.times.looks import occasion
from splitrun.conduct.desk import Desk
from splitrun.conduct.reading.access import Access, instant
from splitrun.conduct.reading.cells import LEAST, least_of, said, screen
from splitrun.conduct.reading.lake import logged
from splitrun.conduct.reading.pinning import read_of
from splitrun.conduct.reading.readout import Case, Wish, case_of, data_of, refuse, spoken, subject_of
from splitrun.conduct.reading.regions import refuse_unmergeable, signed
from splitrun.conduct.reading.taking import Taken, taken
from splitrun.conduct.registry.place import actor_of, home
from splitrun.conduct.reports import Report, keep, sound
from splitrun.errors import DataError, Mistake, SpecError
from splitrun.govern.cells.system import Place
from splitrun.govern.cells.withholding import Screened
from splitrun.measure.regions.parcel import FORM, Parcel, parcel, phases
from splitrun.spec.analysis import Method
from splitrun.store.canonical import Json, canonical, digest
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change

__all__ = ["Leaving", "Sent", "measure"]

MEASURE = "measure"
"""Verb of the entries that say that moments left."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is to leave."""

    region: str
    """What it is called."""
    file: Path
    as_of: datetime | str | None = None
    """Count only what had happened by then; the same in every region."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What left."""

    file: str
    region: str
    digest: str
    """Of the file's text."""
    units: int
    withheld: tuple[str, ...]
    """Segments of which levels were withheld."""


def measure(
    key: str,
    place: Path,
    leaving: Leaving,
    *,
    access: Access | None = None,
    wish: Wish | None = None,
    desk: Desk | None = None,
) -> Sent:
    """Measure an experiment by its sealed plan and write the moments, signed, to a file.

    Args:
        key: The experiment's key.
        place: A folder of the region's project.
        leaving: The name of the region, the file, and up to when.
        access: What may be read and used besides the project's folder.
        wish: Who measures, where, and why.
        desk: The clock, and whom to tell of progress.

    Raises:
        SpecError: No plan of it is sealed, it needs more than moments, or it may not be read yet.
        DataError: The data cannot be read, or so few units are in a variant that none may leave.
        EngineError: The engine refused, or needed more than it may use.
        StoreError: The registry refuses; then nothing is written.
    """
    table, allowed, wanted = desk or Desk(), access or Access(), wish or Wish()
    region, moment, where = leaving.region, instant(leaving.as_of), home(place)
    spoken(wanted)
    named(region)
    report = Report(leaving.file, f'"form":"{FORM}"'.encode(), as_is)
    sound([report])
    table.progress("reading the sealed plan")
    with where.registry() as registry:
        case = case_of(registry, where, key, wanted.environment)
    refuse(case, wanted)
    read = logged(case.plan)
    refuse_unmergeable(read)
    refuse_untimed(case, moment)
    found = taken(read, data_of(where, case, allowed), moment, table)
    ended(case, found, wanted)
    # moments leave: where readouts at home hide nothing, these do
    here = least_of(where.root, found)
    least = LEAST if here == 1 else here
    at_once(found, region)
    enough(found, region, least)
    cells = screen(found, least, case.shown)
    made = packed(found, (region, key, case.chain[-1].digest), cells)
    text = signed(made, where.keys.signer(None))
    with where.registry() as registry:
        registry.commit(left(case, (found, cells), (region, text), wanted, table.now()))
    kept = keep(report, text)
    hidden = sorted({one.segment for places in cells.hidden.values() for one in places})
    return Sent(kept, region, digest(text), sum(made.units), tuple(hidden))


def as_is(text: str) -> str:
    """The text of the file."""
    return text


def named(region: str) -> None:
    """Refuse what is no name of a region.

    Raises:
        SpecError: It is none.
    """
    if not region or len(region) > 64 or not all(one.isalnum() or one in "-_." for one in region):
        says = f"{region[:64]!r} is no name of a region"
        raise SpecError([Mistake(says, "write letters, digits, dashes, at most 64", "--region")])


def refuse_untimed(case: Case, moment: datetime | None) -> None:
    """Ask for the moment up to which is measured: the latest row of one region is not that of another.

    Raises:
        SpecError: None is named, and the exposures have times.
    """
    exposures = logged(case.plan).exposures
    timed = exposures is not None and (exposures.time is not None or exposures.lake is not None)
    if moment is None and timed:
        says = "every region must be measured up to the same moment, and none is named"
        raise SpecError([Mistake(says, "name it: --as-of 2026-11-22T08:00:00+01:00", "--as-of")])


def ended(case: Case, found: Taken, wish: Wish) -> None:
    """Keep a plan for one reading blinded before its end: moments tell effects to whoever opens the file.

    Raises:
        SpecError: Its end has not come, and no reason to read it earlier is given.
    """
    now = occasion(found.plan, found.measured)
    if case.plan.analysis.method is not Method.FIXED or not now.planned or now.ended:
        return
    if case.early is None and wish.early is None:
        when = "its planned end" if now.following is None else now.following.isoformat(" ", "minutes")
        says = "the plan is for one reading, and its planned end has not come"
        raise SpecError([Mistake(says, f"measure from {when}, or give a reason with --early", "--early")])


def at_once(found: Taken, region: str) -> None:
    """Refuse moments over several phases: variants had other shares in each, and moments do not tell which.

    Raises:
        DataError: Units came in more than one phase of the ramp.
    """
    came = phases(found.measured)
    if len(came) > 1:
        raise DataError(
            f"units of {region} came in {len(came)} phases of the ramp ({', '.join(came)}), in which "
            "variants had other shares; measure up to the moment before the second (`--as-of`), or read "
            "regions one by one"
        )


def enough(found: Taken, region: str, least: int) -> None:
    """Refuse to let moments leave that are of a few units as a whole.

    Raises:
        DataError: A variant has too few units, or a metric too few with a known outcome.
    """
    measured = found.measured
    counts = {"units": measured.units()[:, 0].tolist()}
    counts |= {key: [int(part.n[0]) for part in measured.by_variant(key)[1]] for key in measured.columns}
    for what, by_variant in counts.items():
        for variant, count in zip(measured.cells.variant.labels, by_variant, strict=True):
            if 0 < count < least:
                of = "units" if what == "units" else f"units with {what}"
                raise DataError(
                    f"{region} has {count:,} {of} in {variant}, "
                    f"and moments of fewer than {least:,} do not leave it (`min_cell`); measure later"
                )


def packed(found: Taken, named: tuple[str, str, str], cells: Screened) -> Parcel:
    """Pack what may leave."""

    def hides(kind: str, segment: str, label: str) -> bool:
        return Place(segment, label) in cells.hidden.get(kind, ())

    segments = tuple(one.key for one in found.plan.segments)
    return parcel(found.measured, named, found.made_at, hides, segments=segments, least=cells.least)


def left(case: Case, read: tuple[Taken, Screened], sent: tuple[str, str], wish: Wish, at: datetime) -> Change:
    """The entry that says that moments left, and which."""
    found, cells = read
    region, text = sent
    content: dict[str, Json] = {
        "region": region,
        "file": digest(text),
        "plan": case.chain[-1].digest,
        "version": case.chain[-1].version,
        "as_of": None if found.measured.as_of is None else found.measured.as_of.isoformat(),
        "early": wish.early or case.early,
        **read_of(found),
        **said(cells),
    }
    remark = Remark(
        verb=MEASURE,
        subject=subject_of(case.key),
        reason=wish.reason or wish.early,
        project=case.project,
        environment=case.environment,
        content=canonical(content),
    )
    return Change(at=at, actor=actor_of(wish.actor), remarks=(remark,))
