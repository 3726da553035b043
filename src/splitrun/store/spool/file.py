"""The SQLite file of a spool: WAL, `synchronous=FULL`, a row for each batch."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from msgspec.structs import replace

from splitrun.errors import BusyError, StoreError
from splitrun.store.lasting import folder
from splitrun.store.lock import alone
from splitrun.store.spool.cipher import Cipher
from splitrun.store.spool.counts import Beat, Counted, Lag, Note, noted, sent, settled
from splitrun.store.spool.parcel import HEARTBEAT, Letter, Origin, Parcel
from splitrun.store.spool.schema import FORM, laid, written_in

__all__ = ["LOG", "PAGE", "SpoolFile", "counted", "told"]

PAGE = 8192
"""Bytes of a page: a batch of a hundred events takes three."""
LOG = 64_000_000
"""Bytes of the log from which it is begun anew. It keeps them: to ask for room again costs more."""
LOCK_WAIT = 1.5
"""Seconds that a write waits for somebody else's."""

PATIENCE = 30_000
"""Milliseconds that an erasure waits for its turn."""

INSERT = (
    "insert into parcels (at, project, environment, key, events, packed, rejected, form, bytes, body) values "
)
ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
MANY = 500
"""Rows that one statement inserts at most; SQLite takes 32,766 values in one."""

STATEMENTS = 8
"""Statements that a connection keeps at hand.

Each holds the bodies that it wrote last, until it writes again or gives way to another; of 128, which Python
keeps unasked, each had another number of rows, and bodies of its own.
"""


def told(error: sqlite3.Error | OSError, path: Path) -> BusyError | StoreError:
    """Say what a database or disk refused, as somebody can act upon it."""
    says = str(error)
    if "locked" in says or "busy" in says:
        return BusyError(f"the spool {path} is locked by somebody else; send it again", kind="lock", after=1)
    if "full" in says or "No space" in says or "too large" in says:
        return BusyError(f"the disk of the spool {path} is full; nothing was kept", kind="disk", after=10)
    kind = getattr(error, "sqlite_errorname", "") or type(error).__name__
    return StoreError(
        f"the spool {path} cannot be used ({says}, {kind}); nothing was kept: look at disk and rights"
    )


def damaged(path: Path, says: str) -> StoreError:
    """Say that a file is not what was written."""
    return StoreError(
        f"the spool {path} is damaged ({says}); look into the disk, and put the file back from a backup"
    )


def owners(path: Path) -> None:
    """Make an empty file for its owner only.

    It is never opened under its name: whoever closes a file lets go of all locks that the process has on it
    (POSIX, `fcntl`), SQLite's among them; another process would take the log away under a running server.
    """
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink()


class SpoolFile:
    """One spool on disk. A connection lives in the thread that made it.

    Args:
        path: The SQLite file; made with access for its owner only.
        cipher: Closes and opens the bodies.
    """

    def __init__(self, path: Path, cipher: Cipher) -> None:
        self.path, self.cipher = path, cipher
        self.made = False

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Open a connection for one thread; closed at the end.

        Raises:
            BusyError: It is locked, or the disk is full.
            StoreError: The file is none of ours, or cannot be used.
        """
        try:
            if not self.made:
                self.make()
            with closing(
                sqlite3.connect(
                    self.path, timeout=LOCK_WAIT, isolation_level=None, cached_statements=STATEMENTS
                )
            ) as opened:
                opened.execute("pragma synchronous = full")
                opened.execute("pragma wal_autocheckpoint = 0")  # checkpoints stay off the commit path
                opened.execute(f"pragma journal_size_limit = {LOG}")
                yield opened
        except (sqlite3.Error, OSError) as error:
            raise told(error, self.path) from error

    def make(self) -> None:
        """Make the file where there is none, and look whether it is one of ours."""
        folder(self.path.parent)
        if not self.path.exists():
            owners(self.path)
        with closing(sqlite3.connect(self.path, timeout=LOCK_WAIT, isolation_level=None)) as opened:
            opened.execute(f"pragma page_size = {PAGE}")  # heeded by a new file only
            opened.execute("pragma journal_mode = wal")
            opened.execute("pragma synchronous = full")
            form = written_in(opened)
            if form > FORM:
                raise StoreError(f"the spool {self.path} has form {form}, and {FORM} is read here; upgrade")
            laid(opened, uuid4().hex)
            (sound,) = opened.execute("pragma quick_check(1)").fetchone()
            if sound != "ok":
                raise damaged(self.path, sound)
        self.made = True

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the spool as the one process that appends to it.

        Raises:
            StoreError: Another process does.
        """
        with alone(self.path.with_name(f"{self.path.name}.lock")) as ours:
            if not ours:
                raise StoreError(
                    f"another process takes events into {self.path}; stop it, or give this one another folder"
                )
            yield

    def name(self) -> str:
        """The spool's own random name, which its commits to the lake carry."""
        with self.connection() as read:
            (value,) = read.execute("select value from about where name = 'name'").fetchone()
            return str(value)

    def renamed(self) -> str:
        """Draw another name and give it: under it nothing is in the lake yet."""
        drawn = uuid4().hex
        with self.connection() as write:
            write.execute("update about set value = ? where name = 'name'", (drawn,))
        return drawn

    def intend(self, upto: int) -> None:
        """Note, before the lake is given anything, up to which parcel a flush goes."""
        with self.connection() as write:
            write.execute(
                "insert into about values ('flush', ?) "
                "on conflict (name) do update set value = excluded.value",
                (str(upto),),
            )

    def intended(self) -> int:
        """Number of the last parcel of the flush that was begun last; 0 where none was."""
        with self.connection() as read:
            found = read.execute("select value from about where name = 'flush'").fetchone()
            return 0 if found is None else int(found[0])

    def rows(self, parcels: Sequence[Parcel]) -> list[tuple[object, ...]]:
        """Close parcels as rows to be inserted."""
        bodies = self.cipher.closed([(one.body, one.label()) for one in parcels])
        return [
            (
                *(one.origin.at, one.origin.project, one.origin.environment, one.origin.key),
                *(one.events, one.packed, one.places(), one.form, len(body), body),
            )
            for one, body in zip(parcels, bodies, strict=True)
        ]

    def keep(self, connection: sqlite3.Connection, parcels: Sequence[Parcel]) -> None:
        """Write parcels, and what is counted with them, in one transaction; they survive a power cut then.

        As few statements as can be: each gives the interpreter to other threads and waits for it again, and
        one alone is a transaction.
        """
        rows = self.rows([one for one in parcels if one.events])
        notes = [note for one in parcels for note in one.notes]
        pulse = [
            (one.origin.project, one.origin.environment, one.origin.at)
            for one in parcels
            if one.form == HEARTBEAT
        ]
        if len(rows) <= MANY and not notes and not pulse:
            inserted(connection, rows)
            return
        connection.execute("begin immediate")
        try:
            inserted(connection, rows)
            noted(connection, notes)
            if pulse:
                sent(connection, pulse)
            connection.execute("commit")
        except BaseException:
            if connection.in_transaction:
                connection.execute("rollback")
            raise

    def held(self) -> tuple[int, int, int | None]:
        """Parcels and bytes on disk, and when the oldest was received (nanoseconds since 1970)."""
        with self.connection() as read:
            return counted(read)

    def waiting(self) -> int:
        """Events on disk that the lake does not have yet."""
        with self.connection() as read:
            (events,) = read.execute("select coalesce(sum(events), 0) from parcels").fetchone()
            return int(events)

    def pending(self, after: int = 0, most_bytes: int = 64_000_000) -> tuple[Parcel, ...]:
        """Read parcels in order, at least one where there is any.

        Raises:
            StoreError: One of them was changed on disk, or is missing there.
        """
        found: list[Parcel] = []
        size = 0
        asked = "select * from parcels where number > ? order by number"
        with self.connection() as read:
            for row in read.execute(asked, (after,)):
                number, at, project, environment, key, events, packed, rejected, form, room, body = row
                size += room
                if found and size > most_bytes:
                    break
                places = tuple(map(int, rejected.split(","))) if rejected else ()
                origin = Origin(project, environment, key, at)
                closed = Parcel(origin, events, b"", bool(packed), places, form, number)
                found.append(replace(closed, body=self.cipher.opened(body, closed.label())))
        numbers = [one.number for one in found]
        if numbers and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise damaged(self.path, f"a row between {numbers[0]} and {numbers[-1]} is missing")
        return tuple(found)

    def forget(
        self,
        upto: int,
        letters: Sequence[Letter] = (),
        notes: Sequence[Note] = (),
        lags: Sequence[Lag] = (),
        beats: Sequence[Beat] = (),
    ) -> None:
        """Let go of parcels that are in the lake, and keep what of them could not go there, at once.

        Args:
            upto: Number of the last parcel that is in the lake.
            letters: Events of these parcels that are not.
            notes: What these parcels come to; added to what was counted before.
            lags: How long their events took; added likewise.
            beats: Heartbeats among them that are in the lake.
        """
        rows = self.posted(letters)
        with self.connection() as write:
            write.execute("begin immediate")
            write.executemany(
                "insert into letters (at, project, environment, key, code, says, parcel, place, body) "
                "values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            noted(write, notes)
            settled(write, lags, beats)
            write.execute("delete from parcels where number <= ?", (upto,))
            write.execute("commit")

    def counts(self, since: str = "") -> tuple[Counted, ...]:
        """Read what was counted, from a day on."""
        asked = (
            "select day, project, environment, sdk, reason, events from counts where day >= ? "
            "order by 1, 2, 3, 4, 5"
        )
        with self.connection() as read:
            return tuple(read.execute(asked, (since,)))

    def again(self, parcels: Sequence[Parcel], letters: Sequence[int]) -> None:
        """Send dead letters on their way again, at once.

        Args:
            parcels: What they become.
            letters: Their numbers; they are no letters any more.
        """
        rows = self.rows(parcels)
        with self.connection() as write:
            write.execute("begin immediate")
            inserted(write, rows)
            write.executemany("delete from letters where number = ?", [(number,) for number in letters])
            write.execute("commit")

    def posted(self, letters: Sequence[Letter]) -> list[tuple[object, ...]]:
        """Close dead letters as rows to be inserted."""
        bodies = self.cipher.closed([(one.body, one.label()) for one in letters])
        return [
            (
                *(one.origin.at, one.origin.project, one.origin.environment, one.origin.key),
                *(one.code, one.says, one.parcel, one.index, body),
            )
            for one, body in zip(letters, bodies, strict=True)
        ]

    def letters(self, after: int = 0, most: int = 10_000) -> tuple[Letter, ...]:
        """Read dead letters in order."""
        found: list[Letter] = []
        with self.connection() as read:
            for number, at, project, environment, key, code, says, parcel, place, body in read.execute(
                "select * from letters where number > ? order by number limit ?", (after, most)
            ):
                origin = Origin(project, environment, key, at)
                closed = Letter(origin, code, says, b"", parcel, place, number)
                found.append(replace(closed, body=self.cipher.opened(body, closed.label())))
        return tuple(found)

    def drop_letters(self, numbers: Sequence[int]) -> None:
        """Let go of dead letters that were replayed or given up."""
        with self.connection() as write:
            write.execute("begin immediate")
            write.executemany("delete from letters where number = ?", [(number,) for number in numbers])
            write.execute("commit")

    def erase(self, parcels: Sequence[Parcel], letters: Sequence[int]) -> None:
        """Put parcels in the place of those of their number that are still there, and let go of letters.

        What stood there before is overwritten on the disk, in the file and in its log.

        Raises:
            BusyError: Somebody else writes or reads all the time.
            StoreError: The file cannot be used.
        """
        rows = self.rows(parcels)
        asked = (
            "update parcels set events = ?, packed = ?, rejected = ?, form = ?, bytes = ?, body = ? "
            "where number = ?"
        )
        with self.connection() as write:
            write.execute(f"pragma busy_timeout = {PATIENCE}")
            write.execute("pragma secure_delete = on")
            write.execute("begin immediate")
            write.executemany(asked, [(*row[4:], one.number) for row, one in zip(rows, parcels, strict=True)])
            write.executemany("delete from letters where number = ?", [(number,) for number in letters])
            write.execute("commit")

    def scrub(self) -> None:
        """Let go of what was deleted earlier and still stands in free pages or in the log.

        Raises:
            BusyError: Somebody else reads or writes all the time.
            StoreError: The file cannot be used.
        """
        with self.connection() as write:
            write.execute(f"pragma busy_timeout = {PATIENCE}")
            write.execute("vacuum")
            (busy, *_) = write.execute("pragma wal_checkpoint(truncate)").fetchone()
        if busy:
            raise told(sqlite3.OperationalError("the log is busy"), self.path)


def counted(connection: sqlite3.Connection) -> tuple[int, int, int | None]:
    """Parcels and bytes on disk, and when the oldest was received (nanoseconds since 1970)."""
    count, size = connection.execute("select parcels, bytes from held").fetchone()
    oldest = connection.execute("select at from parcels order by number limit 1").fetchone()
    return int(count), int(size), None if oldest is None else int(oldest[0])


def inserted(connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows of parcels with as few statements as can be."""
    for start in range(0, len(rows), MANY):
        part = rows[start : start + MANY]
        values = [value for row in part for value in row]
        connection.execute(INSERT + ", ".join([ROW] * len(part)), values)
