"""Switch a flag off at once, whatever the registry can do, and tell the audit chain as soon as it can."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from splitrun.assign.transmission import opened
from splitrun.conduct.desk import Desk
from splitrun.conduct.lifecycle.footing import chosen
from splitrun.conduct.registry.place import FIRST, Home, actor_of, home
from splitrun.conduct.serving.settings import project_at
from splitrun.conduct.workspace import workspace
from splitrun.errors import Mistake, SpecError, SplitrunError
from splitrun.spec.project import Project
from splitrun.spec.written.fields import suggested
from splitrun.store.canonical import canonical
from splitrun.store.chain.entry import Remark
from splitrun.store.kills import Kill, KillFile
from splitrun.store.lock import alone
from splitrun.store.registry.change import Change

__all__ = ["Switched", "kill", "kill_file", "tell_kills", "unkill"]


@dataclass(frozen=True, slots=True)
class Switched:
    """What became of a kill."""

    kill: Kill
    new: bool
    """False where it stood so already."""
    untold: str
    """Why the audit chain does not know it yet; empty where it does."""


def kill_file(where: Home, project: str) -> KillFile:
    """The kills of a project's folder."""
    return KillFile(where.root / "state" / "kills.json", where.keys, project)


def kill(
    flag: str,
    place: Path,
    reason: str,
    *,
    environment: str | None = None,
    actor: str | None = None,
    desk: Desk | None = None,
) -> Switched:
    """Switch a flag off: every client serves its default within two seconds, until `unkill`.

    Args:
        flag: Its key.
        place: A folder of the project.
        reason: Why; it stands in the audit chain.
        environment: One of the project's; none: the first.
        actor: Who does it.
        desk: The clock.

    Raises:
        SpecError: There is no project, flag or environment of that name, or no reason.
        StoreError: The state folder cannot be written, or the keys are away that sign the registry: what
            another one signs no client obeys.
    """
    where, settings, there = asked(place, environment, reason)
    known = flags_of(where, settings, there)
    if known is not None and flag not in known:
        raise SpecError(
            [Mistake(f"there is no flag {flag[:64]!r} in {there!r}", suggested(flag, known), "flag")]
        )
    now = (desk or Desk()).now()
    if not where.keys.listed():
        if where.written:
            raise where.keyless()
        where.keys.new(FIRST, now)
    wanted = Kill(flag, there, reason, actor_of(actor), now.isoformat())
    return switched(where, settings, wanted, now)


def unkill(
    flag: str,
    place: Path,
    reason: str,
    *,
    environment: str | None = None,
    actor: str | None = None,
    desk: Desk | None = None,
) -> Switched:
    """Let a flag serve what its definition says again; arguments as of `kill`.

    One that was stopped before the audit chain knew of it may be repeated: then the chain is told.

    Raises:
        SpecError: There is no project or environment of that name, no reason, or the flag was not killed.
        StoreError: The state folder cannot be written.
    """
    where, settings, there = asked(place, environment, reason)
    file, now = kill_file(where, settings.project), (desk or Desk()).now()
    kills = file.read()
    off = kills.off(there)
    if flag not in off:
        for one in kills.untold:
            if (one.flag, one.environment, one.verb) == (flag, there, "unkill"):
                return Switched(one, new=False, untold=tell_kills(where, file, now))
        says = f"the flag {flag[:64]!r} was not killed in {there!r}"
        raise SpecError([Mistake(says, suggested(flag, off) if off else "no flag is", "flag")])
    wanted = Kill(flag, there, reason, actor_of(actor), now.isoformat(), "unkill")
    return switched(where, settings, wanted, now)


def asked(place: Path, environment: str | None, reason: str) -> tuple[Home, Project, str]:
    """Find out where a flag is to be switched."""
    where = home(place)
    settings = project_at(where.root)
    there = chosen(settings.environments, environment)
    if not reason.strip():
        raise SpecError([Mistake("the reason is empty", "say why, it stands in the audit chain", "reason")])
    return where, settings, there


def flags_of(where: Home, settings: Project, environment: str) -> Collection[str] | None:
    """Name the flags there are; none where nobody can tell, so that any name is taken."""
    try:
        with where.registry() as registry:
            kept = registry.ruleset(settings.project, environment)
        if kept is not None:
            return opened(kept.document).flags.keys()
    except SplitrunError:
        return None  # an emergency does not wait for the registry
    board = workspace(where.root).says.board
    return None if board is None else board.flags.keys()


def switched(where: Home, settings: Project, wanted: Kill, now: datetime) -> Switched:
    """Write a kill into the file, then into the chain."""
    file = kill_file(where, settings.project)
    with file.changing() as desired:
        before = desired.kills
        others = tuple(
            one for one in before.standing if (one.flag, one.environment) != (wanted.flag, wanted.environment)
        )
        new = wanted.verb == "unkill" or len(others) == len(before.standing)
        if new:
            standing = (*others, wanted) if wanted.verb == "kill" else others
            desired.kills = replace(before, standing=standing, untold=(*before.untold, wanted))
    return Switched(wanted, new, tell_kills(where, file, now))


def tell_kills(where: Home, file: KillFile, now: datetime) -> str:
    """Write into the audit chain what it has not been told; by one process at a time.

    Nobody who switches a flag waits for it: the file is not locked meanwhile.

    Returns:
        Why it could not be; empty where nothing is left untold.
    """
    try:
        with alone(file.path.with_suffix(".told")) as ours:
            if not ours:
                return "another process is telling it"
            while untold := file.read().untold:
                with where.registry(now) as registry:
                    registry.commit(Change(now, untold[0].actor, (remark(untold[0], file.project),)))
                with file.changing() as desired:
                    desired.kills = replace(desired.kills, untold=desired.kills.untold[1:])
    except SplitrunError as error:
        return str(error)
    return ""


def remark(one: Kill, project: str) -> Remark:
    """Say a kill as the chain keeps it, with the moment that it happened."""
    content = canonical({"at": one.at})
    return Remark(one.verb, f"flag/{one.flag}", one.reason, project, one.environment, content)
