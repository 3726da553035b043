"""The committer: parcels of a spool become rows of the lake, each event once, before the spool forgets them.

The order of steps is what keeps the promise: rows and the number of the last parcel go into a table with one
commit, seen onto the disk; then the spool forgets. Whatever stops in between is found by that number. The
spool notes first how far a flush goes: a number in the lake that it never noted is that of another life, in
which the file went on after the copy was made that lies here now.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta

from splitrun.collect.accepted import Accepted
from splitrun.collect.rows import Gathered, Setting, gathered
from splitrun.conduct.collecting.quarters import Quarters
from splitrun.conduct.collecting.settling import Settled, lagged, notes, restored
from splitrun.errors import StoreError
from splitrun.sdk.event import Unit
from splitrun.store.lake.delta import Mark, Passing
from splitrun.store.lake.tables import Table
from splitrun.store.lake.window import KEPT
from splitrun.store.lock import alone
from splitrun.store.people.heeded import Heeded
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.parcel import HEARTBEAT, Letter, Parcel

__all__ = ["ENOUGH", "MOST_BYTES", "Committer", "Flush"]

ENOUGH = 10_000
"""Events that are worth a commit before the time is up."""
MOST_BYTES = 16_000_000
"""Bytes of parcels that one flush takes."""

REMEMBERED = timedelta(days=KEPT) // timedelta(microseconds=1) * 1000
"""Nanoseconds for which the lake knows an id again."""

Where = tuple[str, str]
"""Project and environment."""

log = logging.getLogger("splitrun.committer")


@dataclass(frozen=True, slots=True)
class Flush:
    """What one flush did."""

    parcels: int
    events: int
    """Accepted by the intake, of these parcels."""
    upto: int
    """Number of the last parcel."""


class Committer:
    """Brings the parcels of one spool into the lake. Of one thread.

    Args:
        spool: Where parcels wait.
        quarters: Tables and settings of each project and environment.
        passing: Told the name of each step before it is taken; for tests that stop the process there.
        now: Nanoseconds since 1970, to tell how long events took.
        people: Who objected since a batch was accepted; none: nobody does.
    """

    def __init__(
        self,
        spool: SpoolFile,
        quarters: Quarters,
        passing: Passing = lambda _name: None,
        now: Callable[[], int] = time.time_ns,
        people: Heeded | None = None,
    ) -> None:
        self.spool, self.quarters, self.passing, self.now = spool, quarters, passing, now
        self.people = people
        self.name = spool.name()
        self.unsure = True
        """Whether a flush may have been left half done."""
        self.seen: set[Where] = set()
        """Whose tables hold nothing under the spool's name that it does not know of."""

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the spool as the one that empties it.

        Raises:
            StoreError: Another process does.
        """
        with alone(self.spool.path.with_name(f"{self.spool.path.name}.committer.lock")) as ours:
            if not ours:
                raise StoreError(
                    f"another process empties {self.spool.path}; stop it, or give this one another folder"
                )
            yield

    def waiting(self) -> int:
        """Events that wait in the spool."""
        return self.spool.waiting()

    def flush(self) -> Flush | None:
        """Bring what waits into the lake, up to so many bytes; none where nothing waits.

        Raises:
            StoreError: Something refuses; nothing is lost, and the next flush begins where this one did.
        """
        if self.people is None:
            return self.flushed()
        with self.people.bringing():
            # looked at inside: whoever erases waits for flushes that began before
            self.people.refresh(fresh=True)
            return self.flushed()

    def flushed(self) -> Flush | None:
        """Bring what waits into the lake."""
        self.passing("read")
        parcels = self.spool.pending(0, MOST_BYTES)
        if not parcels:
            return None
        self.quarters.turn()
        done = Settled()
        if self.unsure or not self.seen.issuperset(parted(parcels)):
            parcels, done = self.begun(parcels)
        self.unsure = True
        upto = parcels[-1].number
        self.spool.intend(upto)
        for where, of in parted(parcels).items():
            pulse = [one for one in of if one.form == HEARTBEAT]
            done += self.brought(where, [one for one in of if one.form != HEARTBEAT], upto)
            done += self.pulsed(where, pulse, upto)
        self.passing("forget")
        self.spool.forget(upto, done.letters, done.notes, done.lags, done.beats)
        self.passing("forgotten")
        self.unsure = False
        return Flush(len(parcels), sum(one.events for one in parcels), upto)

    def brought(self, where: Where, of: list[Parcel], upto: int) -> Settled:
        """Bring what a product sent into the lake, and tell what became of it."""
        if not of:
            return Settled()
        self.passing("decode")
        found = gathered([accepted(one) for one in of], self.heeding(self.quarters.setting(*where)))
        total = found.counts + self.appended(where, found, Mark(self.name, upto))
        letters = [letter(of[one.batch], one.place, (one.code, one.says), one.body) for one in found.unfit]
        return Settled(letters, notes(where, of, total, letters), lagged(where, of, self.now()))

    def heeding(self, setting: Setting) -> Setting:
        """Give the setting with who objected by now: by name, or by a pseudonym that is erased."""
        out = None if self.people is None else self.people.unwanted()
        if self.people is None or out is None:
            return setting
        keys, linked = self.people.keys(), self.people.linked()
        every = (setting.key_of, *setting.beside.values())

        def unwanted(unit: Unit) -> bool:
            found = (key_of(unit.type, unit.id) for key_of in every)
            return out(unit) or any(key in keys or (linked is not None and linked(key)) for key in found)

        return replace(setting, unwanted=unwanted)

    def pulsed(self, where: Where, of: list[Parcel], upto: int) -> Settled:
        """Bring what the server sent itself into a table of its own, the same way."""
        if not of:
            return Settled()
        found = gathered([accepted(one) for one in of], self.quarters.setting(*where))
        rows = found.events
        counts = self.quarters.table(*where, Table.HEARTBEATS).append(rows, Mark(self.name, upto))
        stored = sum(count for (*_, reason), count in counts.items() if reason == "accepted")
        if stored != len(of):  # nobody can say which of them; the check then finds them missing
            return Settled()
        return Settled(beats=[(*where, one.origin.at, 1) for one in of])

    def appended(self, where: Where, found: Gathered, mark: Mark) -> Counter[tuple[date, str, str]]:
        """Append rows to the tables of one project and environment."""
        counts: Counter[tuple[date, str, str]] = Counter()
        for table, rows in (
            (Table.ALIASES, found.aliases),
            (Table.EXPOSURES, found.exposures),
            (Table.EVENTS, found.events),
        ):
            if rows.num_rows:
                counts += self.quarters.table(*where, table).append(rows, mark)
        return counts

    def begun(self, parcels: tuple[Parcel, ...]) -> tuple[tuple[Parcel, ...], Settled]:
        """Choose the parcels of a flush that was left half done, which some tables have; else all.

        A flush is repeated whole as it was: its marks then tell what is in.

        Raises:
            StoreError: The file is an older copy of itself, so old that ids of what waits are forgotten.
        """
        places, done = parted(parcels), Settled()
        marks = {self.quarters.table(*where, table).mark(self.name) for where in places for table in Table}
        ahead, half = {one for one in marks if one >= parcels[0].number}, self.spool.intended()
        if ahead - {half}:
            done = self.restored(parcels, max(ahead))
        elif ahead:
            parcels = tuple(one for one in parcels if one.number <= half)
        self.seen.update(places)
        return parcels, done

    def restored(self, parcels: Sequence[Parcel], mark: int) -> Settled:
        """Go on under another name: numbers that the lake has may be those of other parcels.

        What of these is in the lake already is known by the ids of its events.
        """
        age = self.now() - min(one.origin.at for one in parcels)
        if age > REMEMBERED:
            raise StoreError(
                f"the spool {self.spool.path} was put back from an older copy, and batches wait in it that "
                f"are older than the {KEPT} days for which ids are known again; move it away, and begin with "
                "an empty one"
            )
        log.warning(
            "the spool %s was put back from an older copy: the lake has its batches up to number %d, which "
            "it does not know of; it goes on under another name, and no event is counted twice",
            self.spool.path,
            mark,
        )
        self.name = self.spool.renamed()
        return Settled(notes=restored(parcels))

    def close(self) -> None:
        """Keep what makes the next start quick."""
        self.quarters.close()


def parted(parcels: Sequence[Parcel]) -> dict[Where, list[Parcel]]:
    """Part parcels by project and environment."""
    found: dict[Where, list[Parcel]] = defaultdict(list)
    for one in parcels:
        found[one.origin.project, one.origin.environment].append(one)
    return found


def accepted(one: Parcel) -> Accepted:
    """Hand a parcel to the room that reads it."""
    return Accepted(one.body, one.packed, one.rejected, one.origin.at, one.form)


def letter(parcel: Parcel, place: int, why: tuple[str, str], body: bytes) -> Letter:
    """Write a dead letter."""
    code, says = why
    return Letter(parcel.origin, code, says, body, parcel.number, place)
