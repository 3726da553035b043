"""What comes after what was read, or who was faster."""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.errors import ConflictError, StoreError
from splitrun.store.canonical import digest
from splitrun.store.registry.change import Change, KeyChange, Move, Publication, Seal, Writing
from splitrun.store.registry.documents import Document, KeptKey, KeptRuleset, Life, SealedPlan
from splitrun.store.registry.objects import Objects
from splitrun.store.registry.rows import Kept

__all__ = ["successors"]


def successors(change: Change, now: Objects, entry: int) -> tuple[Kept, ...]:
    """Give the rows that a change adds.

    Args:
        change: Each part with what it expects to replace.
        now: What is there.
        entry: The number of the change's first entry.

    Raises:
        ConflictError: Something else is there: what, by whom, and what to do.
        StoreError: The same thing is changed twice at once, or a key cannot be announced or retired.
    """
    once(change)
    return (
        *(document(one, change, now) for one in change.writings),
        *(life(one, change, now) for one in change.moves),
        *(plan(one, change, now) for one in change.seals),
        *(ruleset(one, change, now) for one in change.publications),
        *keys(change, now, entry),
    )


def once(change: Change) -> None:
    """Refuse a change that changes the same thing twice.

    Raises:
        StoreError: Which.
    """
    seen = set()
    for name in (
        *(f"{one.kind.value} {one.project}/{one.key}" for one in change.writings),
        *(f"life {one.project}/{one.environment}/{one.experiment}" for one in change.moves),
        *(f"plan {one.project}/{one.experiment} version {one.version}" for one in change.seals),
        *(f"ruleset {one.project}/{one.environment}" for one in change.publications),
        *(f"key {one.name}" for one in change.keys),
    ):
        if name in seen:
            raise StoreError(f"{name} is changed twice in one change; make it two changes")
        seen.add(name)


def document(one: Writing, change: Change, now: Objects) -> Document:
    """Give the next revision of a document.

    Raises:
        ConflictError: Another revision is there than the one that was read.
    """
    last = now.newest(one.project, one.kind, one.key)
    there = None if last is None or last.removed else last.digest
    if there != one.replaces or (there is None and one.body is None):
        raise ConflictError(overtaken(one, last))
    body = "null" if one.body is None else one.body
    return Document(
        project=one.project,
        kind=one.kind,
        key=one.key,
        revision=1 if last is None else last.revision + 1,
        digest=digest(body),
        body=body,
        at=change.at,
        actor=change.actor,
        removed=one.body is None,
    )


def overtaken(one: Writing, last: Document | None) -> str:
    """Say what happened to a document since it was read."""
    what = f"{one.kind.value} {one.key!r} of {one.project!r}"
    if last is None:
        return f"{what} is not there; it is to be {verb(one)}; read the registry again, then repeat"
    done = "removed" if last.removed else f"changed to revision {last.revision}"
    read = "there was none" if one.replaces is None else f"it was {one.replaces[:19]}…"
    return (
        f"{what} was {done} by {last.actor} at {last.at.isoformat()}, and when it was read {read}; read it "
        "again, then repeat"
    )


def verb(one: Writing) -> str:
    """What is asked of a document."""
    return "removed" if one.body is None else "replaced"


def life(one: Move, change: Change, now: Objects) -> Life:
    """Give the next step of a life.

    Raises:
        ConflictError: It has moved since it was read.
    """
    last = now.state(one.project, one.environment, one.experiment)
    if last != one.before:
        read = "had no life yet" if one.before is None else f"was {one.before.state.value}"
        there = (
            "it has none"
            if last is None
            else f"{last.actor} moved it to {last.state.value} (step {last.revision}, {last.at.isoformat()})"
        )
        raise ConflictError(
            f"experiment {one.experiment!r} {read} in {one.environment!r} when it was read, and {there}; "
            "read it again, then repeat"
        )
    return Life(
        project=one.project,
        environment=one.environment,
        experiment=one.experiment,
        revision=1 if last is None else last.revision + 1,
        state=one.state,
        version=one.version,
        phase=one.phase,
        plan=one.plan,
        started=one.started,
        closed=one.closed,
        ended=one.ended,
        details=one.details,
        at=change.at,
        actor=change.actor,
    )


def plan(one: Seal, change: Change, now: Objects) -> SealedPlan:
    """Give the next plan of a version.

    Raises:
        ConflictError: It was sealed or amended since it was read.
    """
    last = now.plan(one.project, one.experiment, one.version)
    if last != one.follows:
        there = (
            "there is none"
            if last is None
            else f"amendment {last.amendment} was sealed by {last.actor} at {last.at.isoformat()}"
        )
        raise ConflictError(
            f"the plan of {one.experiment!r}, version {one.version}, is not what was read: {there}; read it "
            "again, then repeat"
        )
    return SealedPlan(
        project=one.project,
        experiment=one.experiment,
        version=one.version,
        amendment=0 if last is None else last.amendment + 1,
        digest=digest(one.body),
        body=one.body,
        facts=one.facts,
        at=change.at,
        actor=change.actor,
    )


def ruleset(one: Publication, change: Change, now: Objects) -> KeptRuleset:
    """Give the next ruleset of an environment.

    Raises:
        ConflictError: Another was published since it was read.
        StoreError: Its version is not above that of the last.
    """
    version, actor = now.published(one.project, one.environment)
    if version != one.follows:
        raise ConflictError(
            f"ruleset {version} of {one.environment!r} was published by {actor or 'nobody'}, and "
            f"{one.follows} was read; compile it again from what stands, then publish"
        )
    if one.version <= version:
        raise StoreError(
            f"ruleset {one.version} of {one.environment!r} does not come after {version}; count on from it"
        )
    return KeptRuleset(
        project=one.project,
        environment=one.environment,
        version=one.version,
        digest=one.digest,
        document=one.document,
        at=change.at,
        actor=change.actor,
    )


def keys(change: Change, now: Objects, entry: int) -> Iterator[KeptKey]:
    """Give the announcements and retirements.

    Raises:
        StoreError: A name is announced twice, or is to be retired and cannot sign.
    """
    if not change.keys:
        return
    before = now.keys()
    known = {kept.name: not kept.retired for kept in before}
    for one in change.keys:
        if not one.retired and one.name in known:
            raise StoreError(f"a key {one.name!r} was announced before; choose another name")
        if one.retired and not known.get(one.name, False):
            signing = ", ".join(name for name, signs in known.items() if signs)
            raise StoreError(f"no key {one.name!r} signs here; those that do: {signing}")
        yield made(one, change, entry)


def made(one: KeyChange, change: Change, entry: int) -> KeptKey:
    """Give the row of a key."""
    return KeptKey(one.name, one.public, one.retired, change.at, change.actor, entry)
