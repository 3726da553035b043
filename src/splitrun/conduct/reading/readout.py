"""Read a sealed plan as the registry has it; the look is in the log before anybody sees an effect."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from splitrun.check.times.looks import occasion
from splitrun.conduct.desk import Desk
from splitrun.conduct.people.gone import gone_of
from splitrun.conduct.people.withdrawn import withdrawn
from splitrun.conduct.reading.access import Access, instant
from splitrun.conduct.reading.cells import least_of, said, screen, shown_before
from splitrun.conduct.reading.lake import lake_of, logged
from splitrun.conduct.reading.pinning import Pin, held, pinned, read_of
from splitrun.conduct.reading.regions import Joined, joined, trusted_of
from splitrun.conduct.reading.sealed import in_force, registration
from splitrun.conduct.reading.taking import Data, Taken, Terms, judged, taken
from splitrun.conduct.registry.place import Home, actor_of, home
from splitrun.conduct.workspace import PROJECT, workspace
from splitrun.errors import Mistake, SpecError
from splitrun.govern.cells.grids import Past
from splitrun.govern.cells.withholding import Screened
from splitrun.infer.estimate import Estimate
from splitrun.judge.readout import Comparison, Readout, Verdict
from splitrun.measure.measured import Measured
from splitrun.plan.sealing.canonical import reopened
from splitrun.plan.sealing.methods import methods
from splitrun.report.form import written
from splitrun.report.notebook import Shown
from splitrun.spec.analysis import Method
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan
from splitrun.spec.written.fields import suggested
from splitrun.store.canonical import Json, canonical, digest, value_of
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change
from splitrun.store.registry.documents import SealedPlan, State
from splitrun.store.registry.registry import Registry

__all__ = ["LOOK", "Wish", "readout"]

LOOK = "look"
"""Verb of the entries that say that somebody looked."""

JUDGED = frozenset({Verdict.BETTER, Verdict.WORSE, Verdict.EQUIVALENT, Verdict.INCONCLUSIVE})
"""Verdicts on which a decision may rest."""

EXPERIMENTS = "experiments"
"""Folder of the experiments' files, which their paths may start from."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Who looks, where, and why."""

    environment: str | None = None
    """None: the first of the project's."""
    reason: str | None = None
    early: str | None = None
    """Why a plan for one reading is to be read before its end."""
    actor: str | None = None
    """None: as the environment or the login says."""
    pin: int | None = None
    """Number of a former look: what it read of the lake is read again, up to the same moment."""
    merge: tuple[Path, ...] = ()
    """Files of moments from regions, which are read in the place of rows."""
    keys: tuple[Path, ...] = ()
    """Files of public keys that these may be signed by, besides the project's own."""


@dataclass(frozen=True, slots=True)
class Case:
    """A sealed plan that is to be read."""

    key: str
    project: str
    environment: str
    chain: tuple[SealedPlan, ...]
    """The plan in force after what it amends."""
    plan: Plan
    early: str | None
    """Why it was read before its end earlier on; None: it was not."""
    shown: tuple[Past, ...]
    """What earlier looks at its rows, and moments that left, showed by level."""


def readout(
    key: str,
    place: Path,
    *,
    as_of: datetime | str | None = None,
    access: Access | None = None,
    wish: Wish | None = None,
    desk: Desk | None = None,
) -> Shown:
    """Read an experiment by its sealed plan, and record the look before an effect is shown.

    A plan for one reading stays blinded before its planned end: no effect is shown, but harm that guardrails
    watch for. A wish to read it earlier needs a reason; from then on its intervals are always valid.

    Args:
        key: The experiment's key.
        place: A folder of its project.
        as_of: Count only what had happened by then; with its zone. None: the latest moment in the data.
        access: What may be read and used besides the project's folder.
        wish: Who looks, where, and why.
        desk: The clock, and whom to tell of progress.

    Raises:
        SpecError: No plan of it is sealed, or it may not be read so.
        DataError: The data cannot be read or does not fit.
        EngineError: The engine refused, or needed more than it may use.
        StoreError: The registry refuses; then nothing is shown.
    """
    table, allowed, wanted = desk or Desk(), access or Access(), wish or Wish()
    moment, where = instant(as_of), home(place)
    spoken(wanted)
    table.progress("reading the sealed plan")
    with where.registry() as registry:
        case = case_of(registry, where, key, wanted.environment)
        pin = pin_of(registry, case, wanted, moment)
    refuse(case, wanted)
    read = logged(case.plan)
    if pin is not None:
        moment, allowed = pin.as_of, replace(allowed, pins={**allowed.pins, **pin.upto})
    data = data_of(where, case, allowed, wanted.pin)
    on = terms(case.early, wanted.early)
    together = regions_of(case, wanted, where, on, table) if wanted.merge else None
    found = taken(read, data, moment, table, on) if together is None else together.found
    if pin is not None:
        held(pin, found, case.chain[-1].digest)
    at_any_time = found.plan.analysis.method is Method.SEQUENTIAL and found.plan != read
    early = case.early or wanted.early if at_any_time else None
    now = case.plan.model_copy(update={"methods": methods(case.plan)})
    kept = registration(case.chain, now, recorded=True, early=early)
    seen = judged(found, kept)
    seen = replace(seen, plan=read, lineage=replace(seen.lineage, plan_digest=kept.digest))
    least = max(least_of(where.root, found), 1 if together is None else together.least)
    cells = screen(found, least, *((case.shown, None) if together is None else ((), together.begun)))
    seen = cells.withheld(seen)
    with where.registry() as registry:
        registry.commit(look(case, (seen, found, cells), (wanted, together), table.now()))
    return seen


def data_of(where: Home, case: Case, allowed: Access, look: int | None = None) -> Data:
    """What is read: the project's files and lake, without who opted out or was erased.

    Args:
        where: The project.
        case: What is read of it.
        allowed: What may be read and used besides.
        look: The former look that is read again.

    Raises:
        StoreError: Who is gone cannot be read.
    """
    lake = lake_of(where.root, case.environment)
    gone = replace(gone_of(where.root, lake), look=look)
    left = partial(withdrawn, where.root, lake)
    return Data((where.root, where.root / EXPERIMENTS), allowed, lake=lake, gone=gone, withdrew=left)


def regions_of(case: Case, wish: Wish, where: Home, on: Terms, desk: Desk) -> Joined:
    """Read the files of moments that regions have sent.

    Raises:
        SpecError: The plan needs more than moments.
        DataError: A file is none, was changed, is signed by nobody who is known, or does not fit.
    """
    desk.progress("adding up what regions have measured")
    known = trusted_of(where.trusted, wish.keys)
    return joined(wish.merge, known, (logged(case.plan), case.chain[-1].digest), on, desk.now())


def pin_of(registry: Registry, case: Case, wish: Wish, moment: datetime | None) -> Pin | None:
    """Find the look that is to be read again; none where none is named.

    Raises:
        SpecError: There is no such look, or another moment is asked for.
    """
    if wish.pin is None:
        return None
    if moment is not None:
        says = f"look {wish.pin} says up to which moment it is read"
        raise SpecError([Mistake(says, "leave `--as-of` out", "--as-of")])
    return pinned(registry, (case.project, case.environment), subject_of(case.key), wish.pin)


def spoken(wish: Wish) -> None:
    """Refuse reasons that say nothing.

    Raises:
        SpecError: One is blank.
    """
    blank = [
        name
        for name in ("reason", "early")
        if getattr(wish, name) is not None and not getattr(wish, name).strip()
    ]
    if blank:
        raise SpecError(
            [Mistake("no reason is given", "say why in a few words", f"--{name}") for name in blank]
        )


def case_of(registry: Registry, where: Home, key: str, environment: str | None) -> Case:
    """Find the sealed plan that is in force.

    Raises:
        SpecError: There is no such environment, or no sealed plan.
        StoreError: What is kept cannot be read.
    """
    settings = workspace(where.root, (PROJECT,)).says.project
    project = "" if settings is None else settings.project
    known = () if settings is None else settings.environments
    chosen = environment or known[0]
    if chosen not in known:
        raise SpecError(
            [Mistake(f"there is no environment {chosen!r}", suggested(chosen, known), "--environment")]
        )
    life = registry.state(project, chosen, key)
    if life is not None and life.state is State.REGISTERED:
        says = f"{key!r} is registered in {chosen} and was not started, so nothing of it can be read"
        raise SpecError([Mistake(says, f"run `splitrun start {key} --reason TEXT`")])
    chain = in_force(registry.plans(project, key), None if life is None else life.plan)
    if not chain:
        says = f"no plan of {key!r} is sealed in the registry"
        raise SpecError(
            [Mistake(says, f"run `splitrun register {key}`, or read its file with `splitrun analyze`")]
        )
    plan = reopened(chain[-1].body)
    early = earlier(registry, project, chosen, chain[-1]) if plan.analysis.method is Method.FIXED else None
    said_before = registry.believed(project, subject_of(key))
    shown = shown_before(said_before, chosen, chain[-1].version)
    return Case(key, project, chosen, chain, plan, early, shown)


def earlier(registry: Registry, project: str, environment: str, sealed: SealedPlan) -> str | None:
    """Why this version was read before its end, the first time; None where it was not."""
    subject = subject_of(sealed.experiment)
    for entry in registry.believed(project, subject):
        if (entry.verb, entry.environment) == (LOOK, environment):
            match value_of(entry.content):
                case {"early": str(why), "version": version} if version == sealed.version:
                    return why
                case _:
                    continue
    return None


def refuse(case: Case, wish: Wish) -> None:
    """Refuse what cannot be read so.

    Raises:
        SpecError: The plan names no rows, or an early look is asked for that it does not have.
    """
    rules = case.plan.analysis
    read = logged(case.plan)
    if read.exposures is None and read.moments is None:
        says = f"the sealed plan of {case.key!r} names no exposures, so there is nothing to read"
        raise SpecError([Mistake(says, "write `exposures:` into its file and amend the plan", "exposures")])
    if wish.early is None:
        return
    if rules.method is not Method.FIXED:
        says = f"the plan is read by {rules.method.value}, which has its own times to look"
        raise SpecError([Mistake(says, "leave `--early` out", "--early")])
    if rules.planned_units is None:
        says = "the plan has no `planned_units`, which intervals that hold at any time are made for"
        raise SpecError(
            [Mistake(says, "wait for the planned end, or amend the plan with `planned_units`", "--early")]
        )


def terms(before: str | None, wanted: str | None) -> Terms:
    """On which terms a plan for one reading is read: at its end as planned, before it blinded or at any time.

    Args:
        before: Why it was read before its end earlier on.
        wanted: Why it is to be read before its end now.
    """

    def on(plan: Plan, measured: Measured) -> Plan:
        if plan.analysis.method is not Method.FIXED:
            return plan
        now = occasion(plan, measured)
        if before is not None or (wanted is not None and not now.ended):
            return read_as(plan, Method.SEQUENTIAL)
        # one planned look that has not come: the same rule as before the first look of several
        return read_as(plan, Method.GROUP_SEQUENTIAL) if now.planned and not now.ended else plan

    return on


def read_as(plan: Plan, method: Method) -> Plan:
    """The plan, read by another method."""
    return plan.model_copy(update={"analysis": plan.analysis.model_copy(update={"method": method})})


def look(
    case: Case,
    read: tuple[Readout, Taken, Screened],
    asked: tuple[Wish, Joined | None],
    at: datetime,
) -> Change:
    """The entry that says that somebody looked, and at what."""
    seen, found, cells = read
    wish, together = asked
    plan = case.chain[-1]
    planned = case.plan.analysis.planned_units
    content: dict[str, Json] = {
        "readout": digest(canonical(json.loads(written(seen)))),
        "plan": plan.digest,
        "version": plan.version,
        "as_of": None if seen.as_of is None else seen.as_of.isoformat(),
        "exposed": sum(count.exposed for count in seen.units),
        "effects": any(estimated(found) for found in seen.comparisons),
        "judged": any(judgement(found) for found in seen.comparisons),
        "decision": None if seen.decision is None else seen.decision.value.value,
        "information": None if planned is None else sum(count.analysed for count in seen.units) / planned,
        "early": None if seen.registration is None else seen.registration.early,
        **read_of(found),
        **said(cells),
        **({} if together is None else {"regions": together.files}),
        **({} if wish.pin is None else {"again": wish.pin}),
    }
    remark = Remark(
        verb=LOOK,
        subject=subject_of(case.key),
        reason=wish.reason or wish.early,
        project=case.project,
        environment=case.environment,
        content=canonical(content),
    )
    return Change(at=at, actor=actor_of(wish.actor), remarks=(remark,))


def subject_of(key: str) -> str:
    """An experiment as entries name it."""
    return f"experiment/{key}"


def estimated(found: Comparison) -> bool:
    """Whether an effect is shown."""
    match found.absolute:
        case Estimate():
            return True
        case _:
            return False


def judgement(found: Comparison) -> bool:
    """Whether this is a verdict on a primary metric; an inconclusive one is one."""
    whole = found.role is Role.PRIMARY and found.segment is None
    return whole and estimated(found) and found.withheld is None and found.verdict in JUDGED
