"""The spool on disk: what it keeps, closed, and what it says where the disk or somebody is in the way."""

from __future__ import annotations

import ctypes
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Condition

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from splitrun.errors import BusyError, SplitrunError, StoreError
from splitrun.store.spool.cipher import ADDED, Cipher, secret_file
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.file import told as as_told
from splitrun.store.spool.parcel import Letter, Origin, Parcel
from splitrun.store.spool.writer import Writer

KEY = b"k" * 32
ORIGIN = Origin("shop", "production", "web", 1_795_000_000_000_000_000)
SECRET = b"visitor-4711-of-the-shop"

Spool = Callable[[], SpoolFile]


class Told:
    """What a writer told, by ticket."""

    def __init__(self) -> None:
        self.answers: dict[int, SplitrunError | None] = {}
        self.groups = 0
        self.news = Condition()

    def __call__(self, told: object) -> None:
        with self.news:
            self.answers.update(told)  # type: ignore[call-overload] # pairs of ticket and answer
            self.groups += 1
            self.news.notify_all()

    def wait(self, ticket: int) -> SplitrunError | None:
        with self.news:
            assert self.news.wait_for(lambda: ticket in self.answers, 60)
            return self.answers[ticket]


def parcel(body: bytes = SECRET, events: int = 1) -> Parcel:
    return Parcel(ORIGIN, events, body)


@pytest.fixture
def file(tmp_path: Path) -> SpoolFile:
    return SpoolFile(tmp_path / "spool.db", Cipher([KEY]))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def writer(file: SpoolFile, told: Told) -> Iterator[Writer[int]]:
    one = Writer[int](file, told, cap=10_000)
    yield one
    one.close()


def test_a_parcel_is_on_disk_when_its_ticket_is_told(file: SpoolFile, told: Told) -> None:
    seen: list[int] = []

    def tell(answers: object) -> None:
        with closing(sqlite3.connect(file.path)) as other:  # another connection sees what is committed only
            seen.append(other.execute("select count(*) from parcels").fetchone()[0])
        told(answers)

    writer = Writer[int](file, tell)
    for ticket in range(5):
        writer.offer(parcel(), ticket)
        assert told.wait(ticket) is None
    writer.close()

    assert seen == [1, 2, 3, 4, 5]


def test_what_waits_is_written_with_one_commit_and_in_order(file: SpoolFile, told: Told) -> None:
    writer = Writer[int](file, told)
    with writer.turn:  # whoever commits waits here
        for ticket in range(50):
            writer.offer(parcel(b"%d" % ticket), ticket)
    assert told.wait(49) is None
    writer.close()

    assert told.groups <= 3
    assert [one.body for one in file.pending()] == [b"%d" % number for number in range(50)]
    assert [one.number for one in file.pending()] == list(range(1, 51))


def test_more_parcels_than_one_statement_takes_are_one_commit(file: SpoolFile) -> None:
    with file.connection() as connection:
        file.keep(connection, [parcel(b"%d" % number) for number in range(1_201)])

    assert file.held()[0] == 1_201
    assert [one.number for one in file.pending(1_199)] == [1_200, 1_201]


@pytest.mark.skipif(sys.platform != "linux", reason="asks the C library of Linux what it holds")
def test_what_was_written_does_not_stay_in_memory(file: SpoolFile) -> None:
    with file.connection() as connection:
        file.keep(connection, [parcel()])
        before = allocated()
        for many in range(60, 0, -1):  # each group is a statement of its own
            file.keep(connection, [parcel(b"x" * 50_000)] * many)
        held = allocated() - before

    assert held < 20_000_000  # 91 MB were written, and stay where Python keeps 128 statements with values


class Held(ctypes.Structure):
    """What mallinfo(3) tells."""

    _fields_ = (
        *((name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd")),
        *((name, ctypes.c_size_t) for name in ("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")),
    )


def allocated() -> int:
    """Bytes that the C library has given out, SQLite's among them."""
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = Held
    held = library.mallinfo2()
    return int(held.hblkhd + held.uordblks)


@pytest.mark.requirement("R19")
def test_the_cap_is_exact_and_counts_the_same_after_a_restart(file: SpoolFile, told: Told) -> None:
    body = b"x" * (1_000 - ADDED)
    writer = Writer[int](file, told, cap=3_000)
    for ticket in range(3):
        writer.offer(parcel(body), ticket)
    with pytest.raises(BusyError, match="holds") as refused:
        writer.offer(parcel(b""), 3)
    assert told.wait(2) is None
    writer.close()

    assert (refused.value.kind, refused.value.after) == ("spool", 5)
    assert file.held()[:2] == (3, 3_000)
    again = Writer[int](file, told, cap=3_001)
    with pytest.raises(BusyError):
        again.offer(parcel(b""), 4)
    again.close()


def test_what_the_committer_lets_go_makes_room_even_from_another_process(file: SpoolFile, told: Told) -> None:
    writer = Writer[int](file, told, cap=200)
    writer.offer(parcel(b"x" * 150), 0)
    assert told.wait(0) is None
    SpoolFile(file.path, file.cipher).forget(1)

    deadline = time.monotonic() + 30
    while True:
        try:
            writer.offer(parcel(b"y" * 150), 1)
            break
        except BusyError:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    assert told.wait(1) is None
    writer.close()
    assert [one.number for one in file.pending()] == [2]  # numbers are not used twice


def test_a_stopping_writer_keeps_what_waits_and_takes_no_more(file: SpoolFile, told: Told) -> None:
    writer = Writer[int](file, told)
    writer.offer(parcel(), 0)
    writer.close()

    assert told.answers == {0: None}
    with pytest.raises(BusyError, match="stopping"):
        writer.offer(parcel(), 1)


def test_a_second_writer_is_refused(file: SpoolFile, writer: Writer[int], told: Told) -> None:
    del writer

    with pytest.raises(StoreError, match="another process takes events"):
        Writer[int](SpoolFile(file.path, file.cipher), told)


@pytest.mark.requirement("R19")
def test_a_lock_held_by_somebody_else_is_told_within_two_seconds(
    file: SpoolFile, writer: Writer[int], told: Told
) -> None:
    with closing(sqlite3.connect(file.path, isolation_level=None)) as other:
        other.execute("begin immediate")
        begun = time.monotonic()
        for ticket in range(3):
            writer.offer(parcel(), ticket)
        answers = [told.wait(ticket) for ticket in range(3)]
        took = time.monotonic() - begun
        other.execute("rollback")
    writer.offer(parcel(), 3)

    for answer in answers:
        assert answer is not None
        assert "locked by somebody else" in str(answer)
    assert took < 1.5 + 2.5  # the wait, and a loaded machine
    assert told.wait(3) is None
    assert file.held()[0] == 1


FULL = """
import resource, signal, sys
from pathlib import Path
from threading import Event
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from splitrun.store.spool.cipher import Cipher
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.parcel import Origin, Parcel
from splitrun.store.spool.writer import Writer
file = SpoolFile(Path(sys.argv[1]), Cipher([b"k" * 32]))
done, found = Event(), []
writer = Writer(file, lambda told: (found.extend(told), done.set()))
origin = Origin("shop", "production", "web", 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
for ticket in range(100):
    done.clear()
    writer.offer(Parcel(origin, 1, b"x" * 20_000), ticket)
    assert done.wait(60)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
done.clear()
writer.offer(Parcel(origin, 1, b"after"), 100)
assert done.wait(60)
writer.close()
kept = [ticket for ticket, refused in found if refused is None]
kinds = {type(refused).__name__ + ":" + getattr(refused, "kind", "") for _, refused in found if refused}
print(len(found), len(kept), kept[-1], *sorted(kinds))
"""


@pytest.mark.requirement("R19")
def test_a_file_that_cannot_grow_refuses_and_keeps_what_was_told_durable(
    tmp_path: Path, file: SpoolFile
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(file.path)], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stderr
    told, kept, last, *kinds = done.stdout.split()
    assert (told, last) == ("101", "100")  # each is told, and what comes once there is room is kept
    assert 1 < int(kept) < 101
    assert kinds == ["StoreError:"]  # a limit of the process is no full disk, and is told as what it is
    assert file.held()[0] == int(kept)
    assert stat.S_IMODE((tmp_path / "spool.db").stat().st_mode) == 0o600


def test_a_full_disk_is_told_as_one_and_nothing_of_the_group_is_kept(file: SpoolFile) -> None:
    with file.connection() as connection:
        file.keep(connection, [parcel()])
        connection.execute("pragma max_page_count = 20")  # SQLite says of it what it says of a full disk
        with pytest.raises(sqlite3.OperationalError) as full:
            file.keep(connection, [parcel(b"x" * 50_000)] * 10)
        connection.execute("pragma max_page_count = 100000")
        file.keep(connection, [parcel()])

    refused = as_told(full.value, file.path)
    assert isinstance(refused, BusyError)
    assert (refused.kind, file.held()[0]) == ("disk", 2)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="cannot be used"):
        SpoolFile(tmp_path / "file" / "spool.db", Cipher([KEY])).held()


def test_a_file_that_may_only_be_read_is_told_and_taken_again_later(
    file: SpoolFile, writer: Writer[int], told: Told
) -> None:
    with closing(sqlite3.connect(file.path)) as other:  # as a disk that was mounted again for reading
        other.execute("create trigger no before insert on parcels begin select raise(abort, 'readonly'); end")
    writer.offer(parcel(), 0)
    refused = told.wait(0)
    with closing(sqlite3.connect(file.path)) as other:
        other.execute("drop trigger no")
    writer.offer(parcel(), 1)

    assert "nothing was kept: look at disk and rights" in str(refused)
    assert told.wait(1) is None
    assert file.held()[0] == 1


def test_a_file_of_another_form_is_refused(file: SpoolFile) -> None:
    file.held()
    with closing(sqlite3.connect(file.path)) as other, other:
        other.execute("update about set value = '9' where name = 'form'")

    with pytest.raises(StoreError, match="has form 9, and 2 is read here"):
        SpoolFile(file.path, file.cipher).held()


def test_a_file_of_the_form_before_is_made_over_and_keeps_what_it_holds(file: SpoolFile) -> None:
    with file.connection() as connection:
        file.keep(connection, [parcel(b"x" * 100), parcel(b"x" * 200)])
        for trigger in ("parcel_kept", "parcel_forgotten", "parcel_changed"):
            connection.execute(f"drop trigger {trigger}")
        connection.execute("drop table held")
        connection.execute("create index sizes on parcels (bytes)")
        connection.execute("update about set value = '1' where name = 'form'")
    name = file.name()

    SpoolFile(file.path, file.cipher).held()
    other = SpoolFile(file.path, file.cipher)  # finds it as it is to be
    assert other.held()[:2] == (2, 300 + 2 * ADDED)
    assert other.name() == name
    with other.connection() as connection:
        other.keep(connection, [parcel(b"x" * 50)])
        assert other.held()[:2] == (3, 350 + 3 * ADDED)
        assert connection.execute("select 1 from sqlite_master where name = 'sizes'").fetchone() is None
    other.forget(1)
    assert other.held()[:2] == (2, 250 + 2 * ADDED)


def test_what_is_held_is_exact_whoever_changes_it(file: SpoolFile) -> None:
    with file.connection() as connection:
        file.keep(connection, [parcel(b"x" * size) for size in range(1, 1_001)])
    file.forget(400)
    kept = file.pending()
    file.erase([replace(kept[0], body=b""), replace(kept[1], body=b"y" * 5_000)], [])
    file.again([parcel(b"z" * 77)], [])

    with file.connection() as connection:
        told = connection.execute("select count(*), sum(bytes) from parcels").fetchone()
    assert file.held()[:2] == told == (601, told[1])


@pytest.mark.requirement("R75")
def test_no_id_stands_readable_in_any_file_of_the_spool(tmp_path: Path, file: SpoolFile) -> None:
    with file.connection() as connection:
        file.keep(connection, [parcel()])
        file.forget(0, [Letter(ORIGIN, "late", "too late", SECRET, 1, 0)])
        found = [SECRET in one.read_bytes() for one in tmp_path.iterdir()]

    assert len(found) >= 2
    assert not any(found)
    assert [one.body for one in file.letters()] == [SECRET]


@pytest.mark.requirement("R19")
@pytest.mark.parametrize(
    "column", ["body", "project", "environment", "key", "at", "events", "rejected", "form"]
)
def test_a_row_that_was_changed_is_detected(file: SpoolFile, column: str) -> None:
    with file.connection() as connection:
        file.keep(connection, [parcel()])
    with closing(sqlite3.connect(file.path)) as other, other:
        if column == "body":
            (body,) = other.execute("select body from parcels").fetchone()
            other.execute("update parcels set body = ?", (body[:-1] + bytes([body[-1] ^ 1]),))
        else:
            value = {"at": "at + 1", "events": "events + 1", "rejected": "'0'"}.get(column, "'other'")
            other.execute(f"update parcels set {column} = {value}")  # noqa: S608 - names of this test

    with pytest.raises(StoreError, match="is not what was written"):
        file.pending()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("flips") / "spool.db"
    file = SpoolFile(path, Cipher([KEY]))
    with file.connection() as connection:
        file.keep(connection, [parcel(b"%d" % number * 900) for number in range(1, 9)])
        connection.execute("pragma wal_checkpoint(truncate)")
    return path.read_bytes()


@pytest.mark.requirement("R19")
@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_a_flipped_bit_is_detected_or_harms_nothing(
    written: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(written) - 1))
    bit = data.draw(st.integers(0, 7))
    path = tmp_path_factory.mktemp("flip") / "spool.db"
    path.write_bytes(written[:place] + bytes([written[place] ^ (1 << bit)]) + written[place + 1 :])

    try:
        found = SpoolFile(path, Cipher([KEY])).pending()
    except SplitrunError:
        return

    assert [one.body for one in found] == [b"%d" % number * 900 for number in range(1, 9)]


def test_a_lost_key_is_told_and_an_older_one_still_opens(file: SpoolFile) -> None:
    with file.connection() as connection:
        file.keep(connection, [parcel()])

    with pytest.raises(StoreError, match="which is not at hand"):
        SpoolFile(file.path, Cipher([b"n" * 32])).pending()
    assert SpoolFile(file.path, Cipher([b"n" * 32, KEY])).pending()[0].body == SECRET


def test_a_key_is_drawn_once_and_readable_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "spool.key"

    key = secret_file(path)

    assert len(key) == 32
    assert secret_file(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["spool.key"]
    path.write_bytes(key[:31])
    with pytest.raises(StoreError, match="has 31 bytes instead of 32"):
        secret_file(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match="cannot be read or made"):
        secret_file(path)


def test_no_nonce_is_used_twice() -> None:
    cipher = Cipher([KEY])

    closed = [one for _ in range(20) for one in cipher.closed([(b"same", b"label")] * 100)]

    assert len({one[8:20] for one in closed}) == 2_000
    assert all(cipher.opened(one, b"label") == b"same" for one in closed)
    assert len(closed[0]) == len(b"same") + ADDED


def test_letters_are_kept_with_what_is_let_go_and_dropped_by_number(file: SpoolFile) -> None:
    with file.connection() as connection:
        file.keep(connection, [parcel(), parcel()])
    file.forget(
        1, [Letter(ORIGIN, "late", "too late", b"a", 1, 0), Letter(ORIGIN, "future", "early", b"b", 1, 1)]
    )

    kept = file.letters()
    file.drop_letters([kept[0].number])

    assert [(one.code, one.says, one.body, one.parcel, one.index) for one in kept] == [
        ("late", "too late", b"a", 1, 0),
        ("future", "early", b"b", 1, 1),
    ]
    assert [one.number for one in file.pending()] == [2]
    assert file.letters() == kept[1:]
    assert file.letters(after=kept[1].number) == ()


def test_pending_is_bounded_in_bytes_and_gives_one_at_least(file: SpoolFile) -> None:
    with file.connection() as connection:
        file.keep(connection, [parcel(b"x" * 1_000)] * 4)

    assert len(file.pending(most_bytes=1)) == 1
    assert len(file.pending(most_bytes=2_500)) == 2
    assert len(file.pending(after=2)) == 2


def test_the_name_of_a_spool_is_its_own_and_stays(tmp_path: Path, file: SpoolFile) -> None:
    other = SpoolFile(tmp_path / "other.db", file.cipher)

    assert file.name() == SpoolFile(file.path, file.cipher).name()
    assert file.name() != other.name()


def test_the_log_is_begun_anew_before_it_is_too_long(
    file: SpoolFile, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splitrun.store.spool.writer.LOG", 200_000)
    monkeypatch.setattr("splitrun.store.spool.writer.CHECKPOINT", 0.01)
    writer = Writer[int](file, told)
    log = file.path.with_name("spool.db-wal")

    monkeypatch.setattr("splitrun.store.spool.file.LOG", 200_000)
    deadline, ticket, longest = time.monotonic() + 60, 0, 0
    while ticket * 20_000 < 20 * max(longest, 400_000):  # under load without a pause
        assert time.monotonic() < deadline
        writer.offer(parcel(b"x" * 20_000), ticket)
        assert told.wait(ticket) is None
        longest, ticket = max(longest, log.stat().st_size), ticket + 1
    writer.close()

    assert longest > 200_000
    assert file.held()[0] == ticket


KILLED = """
import sys
from pathlib import Path
from splitrun.store.spool.cipher import Cipher
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.parcel import Origin, Parcel
from splitrun.store.spool.writer import Writer
def tell(told):
    for ticket, refused in told:
        assert refused is None
        sys.stdout.write(f"{ticket}\\n")
    sys.stdout.flush()
writer = Writer(SpoolFile(Path(sys.argv[1]), Cipher([b"k" * 32])), tell)
ticket = int(sys.argv[2])
while True:
    with writer.some:
        room = len(writer.queue) < 50
    if room:
        writer.offer(Parcel(Origin("shop", "production", "web", 1), 1, b"%d" % ticket), ticket)
        ticket += 1
"""


@pytest.mark.requirement("R19")
def test_a_killed_process_loses_nothing_that_it_told(file: SpoolFile) -> None:
    told: set[bytes] = set()

    for turn in range(3):
        words = [sys.executable, "-c", KILLED, str(file.path), str(turn * 1_000_000)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            told.update(process.stdout.readline().strip() for _ in range(300))
            os.kill(process.pid, signal.SIGKILL)
            # a last line may be cut; what is whole was told
            told.update(line for line in process.stdout.read().split(b"\n")[:-1])

    kept: list[bytes] = []
    after = 0
    while part := file.pending(after):
        kept.extend(one.body for one in part)
        after = part[-1].number
    assert told <= set(kept)
    assert len(kept) == len(set(kept))
    assert len(told) >= 900


CLOSED = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('select 1 from parcels'); c.close()"
)


@pytest.mark.requirement("R22")
def test_another_process_that_closes_the_spool_leaves_the_log_to_whoever_writes(file: SpoolFile) -> None:
    log = file.path.with_name(f"{file.path.name}-wal")
    with file.connection() as connection:
        file.keep(connection, [parcel()])
        before = log.stat().st_ino

        SpoolFile(file.path, file.cipher).held()  # in this process, beside the one that writes
        subprocess.run([sys.executable, "-c", CLOSED, str(file.path)], check=True)
        file.keep(connection, [parcel()])

        assert log.stat().st_ino == before
    assert file.held()[0] == 2
