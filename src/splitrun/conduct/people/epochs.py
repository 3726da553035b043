"""Keys of pseudonyms by epoch: which there are, who needs them, the next one made, an old one destroyed."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from splitrun.conduct.collecting.assembled import lake_of
from splitrun.conduct.desk import Desk
from splitrun.conduct.registry.place import Home, actor_of, home
from splitrun.conduct.workspace import PROJECT, workspace
from splitrun.errors import DataError, Mistake, RefusedError, SpecError
from splitrun.spec.project import Project
from splitrun.store.canonical import Json, canonical
from splitrun.store.chain.entry import Remark
from splitrun.store.lake.delta import LakeTable
from splitrun.store.lake.pseudonyms import KEYS, Epoch, destroyed, epochs, leading, made
from splitrun.store.lake.reading import began, snapshot
from splitrun.store.lake.remembered import Seen
from splitrun.store.lake.tables import Table
from splitrun.store.lake.upkeep import emptied
from splitrun.store.lock import alone
from splitrun.store.registry.change import Change
from splitrun.store.registry.documents import Life, State
from splitrun.store.registry.registry import Registry

__all__ = [
    "DESTROY",
    "LEAD",
    "ROTATE",
    "Destroyed",
    "Standing",
    "destroy_pseudonyms",
    "pseudonym_epochs",
    "rotate_pseudonyms",
]

ROTATE, DESTROY = "rotate-pseudonyms", "destroy-pseudonyms"
"""Verbs of the entries that say so."""
LEAD = 28
"""Days that a new key waits beside the leading one: as far back as covariates usually reach."""
MOST = 3_650
"""Days that it may wait."""
READ = frozenset({State.RUNNING, State.PAUSED, State.OBSERVING, State.STOPPED})
"""States of experiments that are still to be read and decided."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An epoch whose key is at hand; nothing of the key."""

    epoch: int
    leads: str | None
    """From when on it leads, in ISO 8601; None: from the beginning."""
    leading: bool
    needed: tuple[str, ...]
    """Experiments that are not decided and know their units by it, as `environment/key`."""


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What the end of a key came to."""

    epoch: int
    rows: Mapping[str, int]
    """By `environment/table`: rows that held pseudonyms of it beside others, and hold them no more."""


def pseudonym_epochs(place: Path, desk: Desk | None = None) -> tuple[Standing, ...]:
    """List the epochs of a project's pseudonyms, the oldest first.

    Raises:
        SpecError: There is no project.
        StoreError: A key or the registry cannot be read.
    """
    where, now = home(place), (desk or Desk()).now()
    found = epochs(folder(where.root))
    first, needs = leading(found, now), needed(where)
    return tuple(told(one, needs.get(one.number, ()), leads=one == first) for one in found)


def told(one: Epoch, needs: tuple[str, ...], *, leads: bool) -> Standing:
    """What may be told of an epoch."""
    return Standing(one.number, None if one.leads is None else one.leads.isoformat(), leads, needs)


def folder(root: Path) -> Path:
    """Where the key files of a project's folder lie."""
    return root / "state" / "keys" / "pseudonym"


def rotate_pseudonyms(
    place: Path, reason: str, *, lead: int = LEAD, actor: str | None = None, desk: Desk | None = None
) -> Standing:
    """Make the key of the next epoch, and say so in the chain; no assignment and no metric changes.

    Repeated after a crash, it goes on from where it was. Where the keys come from the environment it
    announces the newest that is there.

    Args:
        place: A folder of the project.
        reason: Stands in the chain.
        lead: Days that the key waits in a column beside the leading one.
        actor: None: as the environment or the login says.
        desk: The clock.

    Raises:
        SpecError: There is no project, or no such number of days.
        RefusedError: The environment holds no key that was not announced.
        StoreError: The key cannot be made, or the registry refuses.
    """
    if not 0 <= lead <= MOST:
        says = f"{lead} is no number of days that a key may wait"
        raise SpecError([Mistake(says, f"write 0 to {MOST:,}", "--lead")])
    where, now = home(place), (desk or Desk()).now()
    there = epochs(folder(where.root))
    with where.registry(now) as registry:
        announced = {one.subject for one in registry.entries() if one.verb == ROTATE}
        fresh = [one for one in there[1:] if subject(one.number) not in announced]
        if not fresh and os.environ.get(KEYS):
            raise RefusedError([elsewhere(there[-1].number + 1, now + timedelta(days=lead))])
        begins = now + timedelta(days=lead)
        one = fresh[-1] if fresh else made(folder(where.root), following(registry, there), begins)
        content: dict[str, Json] = {"epoch": one.number, "leads": None if one.leads is None else stamp(one)}
        said = Remark(ROTATE, subject(one.number), reason, content=canonical(content))
        registry.commit(Change(now, actor_of(actor), (said,)))
    return told(one, (), leads=leading((*there, one), now) == one)


def elsewhere(number: int, leads: datetime) -> Mistake:
    """Say how the next key is made where keys come from the environment."""
    return Mistake(
        f"the keys come from {KEYS}, so that none is made here",
        f"add the next one there, {number}@{leads.date()}:BASE64 with 32 random bytes, on every machine, and "
        "run this again",
    )


def following(registry: Registry, there: tuple[Epoch, ...]) -> int:
    """The next number; one that was destroyed is not given again."""
    said = [one.subject for one in registry.entries() if one.verb in {DESTROY, ROTATE}]
    return max(there[-1].number, *(int(one.rpartition("/")[2]) for one in said), 0) + 1


def stamp(one: Epoch) -> str:
    """From when on an epoch leads, as the chain writes it."""
    return "" if one.leads is None else one.leads.isoformat()


def subject(number: int) -> str:
    """An epoch as entries name it."""
    return f"pseudonyms/{number}"


def destroy_pseudonyms(
    number: int, place: Path, reason: str, *, actor: str | None = None, desk: Desk | None = None
) -> Destroyed:
    """Destroy the key of an old epoch, and what links its pseudonyms to those of others (crypto-shredding).

    Nobody can tell any more whose rows those of that epoch are, or which rows of later ones are of the same
    unit. Repeated after a crash, it goes on from where it was.

    Args:
        number: Of the epoch.
        place: A folder of the project.
        reason: Stands in the chain.
        actor: None: as the environment or the login says.
        desk: The clock.

    Raises:
        SpecError: There is no project, or never was such an epoch.
        RefusedError: An experiment still needs it, it leads, or a committer holds it.
        StoreError: Key, lake or registry refuse; ask again.
    """
    where, now = home(place), (desk or Desk()).now()
    refuse(where, number, now)
    spool = where.root / "state" / "spool.db.committer.lock"
    with where.registry(now) as registry, alone(spool) as ours:
        if not ours:
            says = "a committer runs, and holds the key in memory"
            remedy = "stop `splitrun serve` here and on every other machine, and run this again"
            raise RefusedError([Mistake(says, remedy)])
        said = [one for one in registry.entries() if (one.verb, one.subject) == (DESTROY, subject(number))]
        if not said:
            remark = Remark(DESTROY, subject(number), reason, content=canonical({"epoch": number}))
            registry.commit(Change(now, actor_of(actor), (remark,)))
        destroyed(folder(where.root), number)
        return Destroyed(number, dict(rid(where, number)))


def refuse(where: Home, number: int, now: datetime) -> None:
    """Refuse what would cut a bond that somebody needs.

    Raises:
        SpecError: There never was such an epoch.
        RefusedError: It is needed, or it leads.
    """
    there = epochs(folder(where.root))
    known = {one.number for one in there}
    if number > max(known) or number < 1:
        says = f"there is no epoch {number} of pseudonyms"
        raise SpecError([Mistake(says, "see `splitrun keys pseudonyms`", "EPOCH")])
    if leading(there, now).number == number:
        remedy = "run `splitrun keys rotate-pseudonyms`, and wait until the next one leads"
        raise RefusedError([Mistake(f"epoch {number} leads: every row is written under it", remedy)])
    if needs := needed(where).get(number, ()):
        says = f"epoch {number} is needed by {', '.join(needs)}: units are known by it there"
        raise RefusedError([Mistake(says, "decide what still runs, then run this again")])
    if os.environ.get(KEYS) and number in known:
        remedy = "take it out there, on every machine, and run this again"
        raise RefusedError([Mistake(f"the key of epoch {number} is in {KEYS}", remedy)])


def needed(where: Home) -> dict[int, tuple[str, ...]]:
    """Tell by epoch which experiments that are not decided know their units by it."""
    found: dict[int, list[str]] = defaultdict(list)
    project = settings(where.root)
    if project is None or not where.there:
        return {}
    with where.registry() as registry:
        for environment in project.environments:
            lives = [one for one in registry.lives(project.project, environment) if one.state in READ]
            for one in lives:
                number = epoch_of(where.root, project.project, environment, one)
                if number is not None:
                    found[number].append(f"{environment}/{one.experiment}")
    return {number: tuple(names) for number, names in found.items()}


def epoch_of(root: Path, project: str, environment: str, life: Life) -> int | None:
    """Tell under which epoch a version of an experiment began; None where nobody was exposed."""
    above = f"{lake_of(root).root.rstrip('/')}/{project}/{environment}"
    with suppress(DataError):  # there is no table yet
        start = began(snapshot(above, Table.EXPOSURES), life.experiment, life.version)
        return None if start is None else start.epoch
    return None


def settings(root: Path) -> Project | None:
    """The settings of a project's folder."""
    return workspace(root, (PROJECT, "metrics/*.yaml")).says.project


def rid(where: Home, number: int) -> Iterator[tuple[str, int]]:
    """Empty the columns of an epoch in every table of the project."""
    project, lake = settings(where.root), lake_of(where.root)
    for of, environment, table in lake.tables():
        if project is None or of != project.project:
            continue
        none = Seen(where.root / "state" / "seen" / ".none")
        one = LakeTable(lake.folder(of, environment, table), table, none)
        yield f"{environment}/{table}", emptied(one, (f"unit_key_{number}", f"was_key_{number}"))
