"""Forget units: nothing more is kept of them, and what there was is gone from every file; with a certificate.

Stopped anywhere, it is asked for again, and goes on from there: the mark comes first, the counts are written
down before the first row goes, the certificate is written once; only then the mark forgets the pseudonyms.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from splitrun.conduct.collecting.assembled import lake_of, spool_of
from splitrun.conduct.desk import Desk
from splitrun.conduct.people.counting import COLUMNS, arms, oldest
from splitrun.conduct.people.linking import belonging, roots_of
from splitrun.conduct.people.lists import lists_of, named_in
from splitrun.conduct.people.place import epochs_at, keys_of, links_of, project_of, tables_of
from splitrun.conduct.people.waiting import known, links_waiting, purged, waiting, written_as
from splitrun.conduct.registry.place import Home, actor_of, home
from splitrun.errors import Mistake, SpecError, StoreError
from splitrun.sdk.event import Unit
from splitrun.store.canonical import Json, as_moment, as_text, digest, value_of
from splitrun.store.chain.entry import Entry, Remark
from splitrun.store.lake.delta import LakeTable, Passing
from splitrun.store.lake.tables import Table
from splitrun.store.lake.upkeep import cleaned
from splitrun.store.lock import alone
from splitrun.store.people.certificate import (
    SUBJECT,
    VERB,
    Backups,
    Certificate,
    Rewritten,
    certified,
    read,
)
from splitrun.store.people.heeded import LOOK
from splitrun.store.people.journal import Arms, Begun, Emptied
from splitrun.store.people.marks import Kind, Mark
from splitrun.store.people.place import heeded_at, journal_at, marks_at
from splitrun.store.people.rows import Theirs, erased, rows_of
from splitrun.store.registry.asked import sound
from splitrun.store.registry.change import Change
from splitrun.store.registry.registry import Registry

__all__ = ["BACKUPS", "Forgotten", "Why", "forget", "forgotten_form"]

BACKUPS = 30
"""Days within which copies of the state folder and the lake expire, unless it is said otherwise."""
PATIENCE = 900.0
"""Seconds that the upkeep of the lake is waited for."""

READOUTS = (
    "readouts that were made before stay as they are: no unit stands there. What is read again counts "
    "without these units, says how many were erased by variant, and is not taken for tampered with"
)
HOLD = (
    "copies of the lake and of the state folder that are older hold what was erased here; `splitrun backup` "
    "copies the registry alone, which holds no rows of units. Put back, such a copy is erased from again"
)


@dataclass(frozen=True, slots=True)
class Why:
    """Why units are forgotten, and on whose behalf."""

    reason: str
    actor: str | None = None
    """None: as the environment or the login says."""
    backups: int = BACKUPS
    """Days within which older copies expire."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was done."""

    entry: Entry
    """Of the audit chain, signed."""
    certificate: Certificate
    named_in: tuple[str, ...]
    """Files of the project that still name one of them: lists of ids that people wrote."""
    listed_in: tuple[str, ...]
    """Lists of which the registry keeps the hash of one of their ids, now or in an old revision."""


@dataclass(frozen=True, slots=True)
class Work:
    """What an erasure works with."""

    where: Home
    desk: Desk
    units: tuple[Unit, ...]
    """Whose ids are at hand; another erasure that was stopped is ended by its tokens."""
    passing: Passing

    @property
    def names(self) -> tuple[bytes, ...]:
        """How the ids may be written where nothing can be read."""
        return written_as(self.units)


def forget(
    units: Sequence[Unit],
    place: Path,
    why: Why,
    *,
    desk: Desk | None = None,
    passing: Passing = lambda _name: None,
) -> Forgotten:
    """Forget units: nothing more is kept of them, and what there was is gone from every file.

    Intake, committer and readings leave them out from the first moment. An erasure that was stopped is ended
    first.

    Args:
        units: Which.
        place: A folder of the project.
        why: The reason, and who asks.
        desk: The clock, and whom to tell of progress.
        passing: Told the name of each step before it is taken; for tests that stop the process there.

    Raises:
        SpecError: There is no project, or the reason is blank or names a unit.
        StoreError: Another erasure is at work, or something cannot be read or written; run it again.
    """
    where, table = home(place), desk or Desk()
    spoken(why.reason, units)
    work = Work(where, table, tuple(units), passing)
    with alone(where.root / "state" / "people" / "erasing.lock") as ours:
        if not ours:
            raise StoreError("another process erases in this project; wait until it has ended")
        tokens = tuple(marks_at(where.root).token(unit) for unit in units)
        rest = journal_at(where.root).read()
        if rest is not None:
            table.progress("ending an erasure that was stopped")
            done = finished(work, rest)
            if set(rest.tokens) == set(tokens):
                return done
        return finished(work, begun(work, tokens, why))


def spoken(reason: str, units: Sequence[Unit]) -> None:
    """Refuse a reason that says nothing, or names whom it is about.

    Raises:
        SpecError: It does.
    """
    if not reason.strip():
        raise SpecError([Mistake("no reason is given", "say why in a few words", "--reason")])
    if any(re.search(rf"(?<!\w){re.escape(one.id)}(?!\w)", reason) for one in units):
        says = "the reason names the unit, and would stand in the audit chain for ever"
        raise SpecError([Mistake(says, "say why without its id, like the number of the request", "--reason")])


def begun(work: Work, tokens: tuple[str, ...], why: Why) -> Begun:
    """Mark the units, wait until everybody heeds it, and write down what is to go."""
    root, now = work.where.root, work.desk.now()
    marks, keys = marks_at(root), keys_of(root, work.units)
    marked(work, tokens, why, keys)
    work.passing("count")
    work.desk.progress("looking for their rows")
    lake = lake_of(root)
    own = frozenset(key for of in keys.values() for key in of)
    tables = tables_of(root, lake)
    epochs = epochs_at(root)
    numbers = [one.epoch for one in epochs]
    links = [*links_of(root, lake, tables, numbers), links_waiting(spool_of(root), epochs)]
    theirs = belonging(own, links, numbers)
    also(work, tokens[0], theirs.keys, keys[work.units[0]])
    whole = own | theirs.keys
    emptied, counted = counts(tables, Theirs(whole, frozenset(work.units)), roots_of(links, numbers), numbers)
    named = frozenset(tokens)
    unwanted = known(lambda unit: marks.token(unit) in named, whole, epochs)
    there = waiting(spool_of(root), unwanted, work.names)
    made = Begun(
        case=uuid4().hex,
        at=as_text(now),
        actor=actor_of(why.actor),
        reason=why.reason,
        backups=why.backups,
        tokens=tokens,
        linked=theirs.linked,
        shared=theirs.shared,
        waiting=len(there.events),
        letters=len(there.letters),
        tables=tuple(emptied),
        arms=tuple(counted),
    )
    work.passing("begin")
    journal_at(root).keep(made)
    return made


def also(work: Work, token: str, linked: frozenset[int], own: frozenset[int]) -> None:
    """Mark the ids that go with the units, and close their pseudonyms beside those of the first of them."""
    marks = marks_at(work.where.root)
    with marks.changing() as listed:
        first = listed[token]
        for key in linked:
            listed[marks.token_of(key)] = Mark(Kind.LINKED, first.day)
        listed[token] = Mark(first.kind, first.day, marks.sealed(token, own | linked))


def marked(work: Work, tokens: Sequence[str], why: Why, keys: Mapping[Unit, frozenset[int]]) -> None:
    """Mark the units, and wait until every process heeds it.

    Raises:
        StoreError: The chain would refuse the reason; nothing was marked.
    """
    root, now = work.where.root, work.desk.now()
    said = Remark(VERB, SUBJECT, why.reason, project_of(root).project)
    sound(Change(now, actor_of(why.actor), (said,)))
    marks = marks_at(root)
    work.passing("mark")
    with marks.changing() as listed:
        for token, unit in zip(tokens, work.units, strict=True):
            listed[token] = Mark(Kind.GONE, now.date().isoformat(), marks.sealed(token, keys[unit]))
    work.desk.progress("waiting until every process heeds it")
    settled(root)


def settled(root: Path) -> None:
    """Wait until a server that takes events, where one runs, saw the mark, and rows on their way came."""
    with alone(root / "state" / "spool.db.lock") as nobody:
        pass
    if not nobody:
        time.sleep(2 * LOOK)
    with heeded_at(root).alone():
        pass  # what was on its way into the lake before the mark has come there


def counts(
    tables: Sequence[tuple[str, LakeTable]], theirs: Theirs, roots: dict[int, int], epochs: Sequence[int]
) -> tuple[list[Emptied], list[Arms]]:
    """Count what is to go of each table, and the units by experiment and variant."""
    emptied: list[Emptied] = []
    counted: list[Arms] = []
    beside = [f"unit_key_{epoch}" for epoch in epochs]
    for environment, one in tables:
        exposures = one.table is Table.EXPOSURES
        parts = list(rows_of(one, theirs, [*COLUMNS, "epoch", *beside] if exposures else ["unit_key"]))
        emptied.append(Emptied(environment, str(one.table), sum(part.num_rows for part in parts), len(parts)))
        if exposures:
            counted += arms(environment, [oldest(part, epochs) for part in parts], roots)
    return emptied, counted


def finished(work: Work, one: Begun) -> Forgotten:
    """Erase what was written down, and certify it."""
    root = work.where.root
    marks = marks_at(root)
    listed = marks.read()
    keys = marks.keys({token: listed[token] for token in one.tokens if token in listed})
    tokens = frozenset(one.tokens)
    ours = tokens == {marks.token(unit) for unit in work.units}
    theirs = Theirs(keys, frozenset(work.units) if ours else frozenset())
    unwanted = known(lambda unit: marks.token(unit) in tokens, keys, epochs_at(root))
    work.passing("spool")
    work.desk.progress("erasing what waits for the lake, and dead letters")
    purged(spool_of(root), unwanted, work.names if ours else ())
    tables = tables_of(root, lake_of(root))
    with upkeep(root):
        rewritten(work, tables, theirs)
    work.passing("sweep")
    purged(spool_of(root), unwanted, work.names if ours else ())
    work.passing("certify")
    work.desk.progress("certifying")
    certificate = certificate_of(one, tables)
    entry = entered(work, one, certificate)
    work.passing("forget")
    with marks.changing() as listed:
        for token in one.tokens:
            if token in listed:
                listed[token] = Mark(Kind.GONE, listed[token].day)
    work.passing("end")
    journal_at(root).end()
    lists = lists_of(work.where, project_of(root).project, work.units)
    return Forgotten(entry, read(entry.content), named_in(root, work.units), lists)


@contextmanager
def upkeep(root: Path) -> Iterator[None]:
    """Hold the lake's upkeep, so that no file is compacted meanwhile.

    Raises:
        StoreError: Another process is at it for too long.
    """
    until = time.monotonic() + PATIENCE
    while True:
        with alone(root / "state" / "upkeep.lock") as ours:
            if ours:
                yield
                return
        if time.monotonic() > until:
            raise StoreError("another process is compacting the lake; wait until it has ended, then repeat")
        time.sleep(LOOK)


def rewritten(work: Work, tables: Sequence[tuple[str, LakeTable]], theirs: Theirs) -> None:
    """Write the files of all tables anew, and remove the old ones."""
    heeded = heeded_at(work.where.root)
    for environment, one in tables:
        one.passing = work.passing
        work.desk.progress(f"writing {environment}/{one.table} anew without them")
        erased(one, theirs)
    for environment, one in tables:
        work.passing("clean")
        work.desk.progress(f"removing old files of {environment}/{one.table}")
        # a file that is about to be committed looks like one that nobody needs: nobody commits meanwhile.
        # In a bucket others might, so only what the log let go of is removed at once
        with heeded.alone():
            cleaned(one, 0, orphans=one.folder.local is not None)


def certificate_of(one: Begun, tables: Sequence[tuple[str, LakeTable]]) -> Certificate:
    """Write what was erased."""
    found = {(environment, str(table.table)): table for environment, table in tables}
    at = as_moment(one.at)
    return Certificate(
        case=one.case,
        units=len(one.tokens),
        linked=one.linked,
        shared=one.shared,
        waiting=one.waiting,
        letters=one.letters,
        tables=tuple(
            Rewritten(each.environment, each.table, each.rows, each.files, *state_of(found[name]))
            for each in one.tables
            if (name := (each.environment, each.table)) in found
        ),
        arms=one.arms,
        readouts=READOUTS,
        backups=Backups(as_text(at), as_text(at + timedelta(days=one.backups)), HOLD),
    )


def state_of(table: LakeTable) -> tuple[int, str]:
    """Give the version of a table, and the digest of which files it has."""
    table.delta.update_incremental()
    paths = pa.table(table.delta.get_add_actions(flatten=True))["path"].to_pylist()
    return table.delta.version(), digest("\n".join(sorted(str(path) for path in paths)))


def entered(work: Work, one: Begun, certificate: Certificate) -> Entry:
    """Append the certificate to the audit chain, once.

    Raises:
        StoreError: The registry refuses; asked for again, the certificate is all that is left to do.
    """
    now, project = work.desk.now(), project_of(work.where.root).project
    said = tuple(
        Remark(VERB, SUBJECT, one.reason, project, content=certified(part)) for part in certificate.parts()
    )
    try:
        with work.where.registry(now) as registry:
            there = entry_of(registry, project, one.case)
            return there or registry.commit(Change(now, one.actor, said)).entries[0]
    except StoreError as error:
        says = "what was kept of them is erased, and the certificate is not written yet: run this again"
        raise StoreError(f"{says} ({error})") from error


def entry_of(registry: Registry, project: str, case: str) -> Entry | None:
    """Find the certificate of a case that was written before somebody was stopped."""
    for entry in registry.believed(project, SUBJECT):
        if entry.verb == VERB and read(entry.content).case == case:
            return entry
    return None


def forgotten_form(done: Forgotten, at: datetime | None = None) -> dict[str, Json]:
    """Write what was done in its documented form."""
    entry = done.entry
    return {
        "form": "splitrun.forgotten/1",
        "entry": entry.number,
        "at": entry.at if at is None else as_text(at),
        "hash": entry.hash,
        "certificate": value_of(certified(done.certificate)),
        "named_in": list(done.named_in),
        "listed_in": list(done.listed_in),
    }
