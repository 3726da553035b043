"""Bring the registry in line with the files: the difference first, then one change with all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from splitrun.conduct.definitions.comparing import Compared, against, checked, reading
from splitrun.conduct.definitions.shelves import Bodies
from splitrun.conduct.desk import Desk
from splitrun.conduct.lifecycle.publishing import published
from splitrun.conduct.lifecycle.serving import unserved_in
from splitrun.conduct.registry.place import Home, actor_of, home
from splitrun.errors import ConflictError, Mistake, RefusedError, SpecError
from splitrun.plan.difference.consequences import Consequence, Way
from splitrun.plan.difference.difference import Difference, Sign, Step
from splitrun.report.differences.shown import difference_as_json
from splitrun.store.canonical import canonical, digest
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change, Receipt, Writing
from splitrun.store.registry.databases.database import shown
from splitrun.store.registry.documents import Kind

__all__ = ["VERB", "Applied", "Wanted", "applied_form", "apply", "compare", "remarks", "writings"]

VERB = "apply"
"""Of the entries that say that a definition was changed."""
NAMED = 50
"""Paths that an entry names at most."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who applies and why, and which experiments are about to be amended or restarted with it."""

    reason: str | None = None
    """Why; it stands in the audit chain."""
    actor: str | None = None
    """Who does it; none: as the environment or the login says."""
    amending: frozenset[str] = frozenset()
    restarting: frozenset[str] = frozenset()

    def takes(self, one: Consequence) -> bool:
        """Whether a verb that is announced takes a change in."""
        match one.way:
            case Way.AMEND:
                return one.experiment in self.amending | self.restarting
            case Way.RESTART:
                return one.experiment in self.restarting
            case None:
                return False


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done."""

    compared: Compared
    receipt: Receipt | None = None
    """None where nothing was written: nothing differed, or somebody said no."""
    rulesets: Mapping[str, int] = field(default_factory=dict)
    """Versions of the rulesets that were published with it, by environment."""


def compare(place: Path, environment: str | None = None, desk: Desk | None = None) -> Compared:
    """Hold the files of a project against what its registry keeps.

    Args:
        place: A folder of the project.
        environment: Look at the lives of experiments in this one only; none: in all of them.
        desk: Whom to tell how far it is.

    Returns:
        The difference; where nobody has written to the registry yet, everything is new.

    Raises:
        SpecError: The files have mistakes, or there is no such environment; all mistakes.
        StoreError: The database refuses.
    """
    files = checked(place, desk or Desk())
    return comparison(home(place), files, (desk or Desk()).now(), environment)


def comparison(around: Home, files: Bodies, now: datetime, environment: str | None = None) -> Compared:
    """Hold files against the registry; where they say the same, also what it serves against what it gives.

    Raises:
        SpecError: There is no such environment.
        StoreError: The database refuses.
    """
    with reading(around) as registry:
        found = against(registry, files, shown(around.url), environment)
    if found.difference.steps:
        return found
    unserved = tuple(unserved_in(around, now, environment))
    return replace(found, about=replace(found.about, unserved=unserved))


def apply(
    place: Path,
    shown_to: Callable[[Compared], None],
    agreed: Callable[[], bool],
    wanted: Wanted | None = None,
    desk: Desk | None = None,
) -> Applied:
    """Bring the registry in line with the files of a project.

    Args:
        place: A folder of the project.
        shown_to: Whom to show the difference, if there is any.
        agreed: Whether it is to be applied; asked when nothing stands against it.
        wanted: Who, why, and what comes next: what only an amendment or a restart takes in may be applied
            where it is announced.
        desk: The clock, and whom to tell how far it is.

    Raises:
        SpecError: The files have mistakes, the reason says nothing, or what is dealt does not fit the files.
        RefusedError: The difference is unsafe: for each part of it why, and what to do.
        ConflictError: The registry was changed meanwhile; nothing was written.
        StoreError: The database refuses; nothing was written.
    """
    table, asked = desk or Desk(), wanted or Wanted()
    if asked.reason is not None and not asked.reason.strip():
        raise SpecError([Mistake("the reason says nothing", "write why, or leave it out")])
    files, around = checked(place, table), home(place)
    first, announced = comparison(around, files, table.now()), asked.amending | asked.restarting
    if first.same or (announced and not first.difference.steps):
        return Applied(first)
    shown_to(first)
    safe(first.difference, asked)
    if not agreed():
        return Applied(first)
    table.progress("writing to the registry")
    with around.registry(make=table.now()) as registry:
        now = against(registry, files, shown(around.url))
        unmoved(first, now)
        made = change(now, asked, table)
        # what is announced publishes by itself, once it has sealed what it is about to deal
        if not announced:
            made = reasoned(published(made, now, around, registry), asked)
        if not made.writings and not made.publications:
            return Applied(now)
        receipt = registry.commit(made)
        return Applied(now, receipt, {one.environment: one.version for one in made.publications})


def applied_form(done: Applied) -> dict[str, object]:
    """Write what was done in the form `splitrun.applied/1`: difference, entries, published rulesets."""
    entries = [] if done.receipt is None else [one.number for one in done.receipt.entries]
    shown = difference_as_json(done.compared.difference, done.compared.about)
    more = {"written": len(entries), "entries": entries, "rulesets": dict(done.rulesets)}
    return {**shown, "form": "splitrun.applied/1", **more}


def safe(found: Difference, wanted: Wanted) -> None:
    """Refuse what would harm an experiment, unless a verb that takes it in is announced.

    Raises:
        RefusedError: Why, and what to do; all of it.
    """
    mistakes = [
        Mistake(f"{one.risk.value}: experiment {one.experiment!r} is {one.stands}: {one.says}", one.remedy)
        for one in found.unsafe
        if not wanted.takes(one)
    ]
    if mistakes:
        raise RefusedError(mistakes)


def unmoved(first: Compared, now: Compared) -> None:
    """Refuse to write another difference than the one that was agreed to.

    Raises:
        ConflictError: What was changed, and by whom.
    """
    if first.difference == now.difference and first.documents == now.documents:
        return
    moved = [one for name, one in now.documents.items() if first.documents.get(name) != one]
    gone = [f"{kind.value} {key!r}" for kind, key in first.documents if (kind, key) not in now.documents]
    told = [f"{one.kind.value} {one.key!r} by {one.actor} at {one.at.isoformat()}" for one in moved]
    what = ", ".join((*told, *gone)[:5]) or "the life of an experiment"
    raise ConflictError(
        f"the registry was changed since the difference was shown ({what}); nothing was written; run "
        "`splitrun diff`, then apply again"
    )


def change(compared: Compared, wanted: Wanted, desk: Desk) -> Change:
    """All that is written, at once or not at all."""
    steps = compared.difference.steps
    return Change(
        desk.now(),
        actor_of(wanted.actor),
        remarks(compared, steps, VERB, wanted.reason) or (publishing(compared, wanted.reason),),
        writings=writings(compared, steps),
    )


def publishing(compared: Compared, reason: str | None) -> Remark:
    """What is said where no definition differs, and what they give is not served."""
    return Remark("publish", "ruleset", reason, compared.about.project)


def reasoned(made: Change, wanted: Wanted) -> Change:
    """Refuse to open a phase of an experiment without a reason.

    Raises:
        RefusedError: Of which.
    """
    if made.moves and wanted.reason is None:
        opened = ", ".join(f"{one.experiment} in {one.environment}" for one in made.moves)
        says = f"a phase of {opened} opens with this, and no reason is given"
        raise RefusedError([Mistake(says, "say why with --reason", "reason")])
    return made


def writings(compared: Compared, steps: Iterable[Step]) -> tuple[Writing, ...]:
    """Documents as the files have them, each with the revision that it replaces."""
    made = []
    for step in steps:
        name = (Kind(step.kind), step.key)
        there = compared.documents.get(name)
        body = None if step.sign is Sign.REMOVED else compared.files[name]
        made.append(Writing(compared.about.project, *name, body, None if there is None else there.digest))
    return tuple(made)


def remarks(compared: Compared, steps: Iterable[Step], verb: str, reason: str | None) -> tuple[Remark, ...]:
    """An entry for each document: what happened to it, by digests and paths, without what stands there."""
    made = []
    for step in steps:
        name = (Kind(step.kind), step.key)
        there = compared.documents.get(name)
        after = None if step.sign is Sign.REMOVED else digest(compared.files[name])
        said = {
            "sign": step.sign.value,
            "before": None if there is None else there.digest,
            "after": after,
            "fields": [field.name for field in step.fields[:NAMED]],
        }
        subject = f"{step.kind}/{step.key}"
        made.append(Remark(verb, subject, reason, compared.about.project, content=canonical(said)))
    return tuple(made)
