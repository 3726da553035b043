from __future__ import annotations

import logging
import sqlite3
from asyncio import CancelledError
from pathlib import Path
from typing import Unpack

import pytest
from msgspec.json import decode

from splitrun.errors import StoreError
from splitrun.sdk.event import Accepted, Batch, Rejected
from splitrun.sdk.outbox.letters import Writer
from splitrun.sdk.outbox.plain import pack
from splitrun.sdk.outbox.queue import Queue
from splitrun.sdk.outbox.records import Linked
from splitrun.sdk.outbox.sender import GIVE_UP, Sender
from splitrun.sdk.outbox.spool import LEASE, Spool
from splitrun.sdk.settings import Answer, Clock, Delivery, Options, Patience, Settings

DAY = 86_400


class Time:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.clock = Clock(self.now, lambda: self.seconds, lambda: 0.5)

    def now(self) -> int:
        return int((1_800_000_000 + self.seconds) * 1e9)


class Line:
    """A server: down while `answer` is one that fails."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer = answer
        self.tries = 0
        self.ids: list[str] = []
        self.sizes: list[int] = []

    def send(self, body: bytes, /) -> Answer:
        self.tries += 1
        if self.answer is not None:
            return self.answer
        batch = decode(body, type=Batch)
        self.sizes.append(len(batch.events))
        self.ids.extend(event.id for event in batch.events)
        return Answer(202, Accepted(len(batch.events)))


class Outbox:
    """Queue and sender with a clock, stepped by hand."""

    def __init__(self, line: Delivery | None, **options: Unpack[Options]) -> None:
        self.time = Time()
        options["clock"] = self.time.clock
        self.settings = Settings(**options)
        self.queue = Queue(self.settings.queue, self.settings.queue_bytes, lambda: None)
        writer = Writer(self.queue.prefix, "", lambda: "user")
        self.sender = Sender(self.settings, self.queue, writer, lambda: line)

    def track(self, amount: int, *, text: str = "") -> None:
        for _ in range(amount):
            properties = {"text": text} if text else {}
            self.queue.put(pack((properties, "view", "u1", None, None, self.time.now())))

    def live(self, seconds: float) -> None:
        """Let the sender do what it does in this time."""
        until = self.time.seconds + seconds
        while self.time.seconds < until:
            self.time.seconds += max(self.sender.step(), 0.001)

    def numbers(self, ids: list[str]) -> list[int]:
        return [int(each[16:], 16) for each in ids]


DOWN = Answer(0, says="nobody answers")


@pytest.mark.requirement("R20")
def test_a_day_without_a_server_keeps_the_newest_events_and_counts_the_dropped() -> None:
    # R11 of the faults: a 24 h outage
    line = Line(DOWN)
    box = Outbox(line, queue=1_000, interval=30.0)
    peak = 0
    for _ in range(DAY // 600):
        box.track(100)
        box.live(600)
        peak = max(peak, len(box.queue))

    assert peak <= 1_000
    assert box.queue.size <= box.settings.queue_bytes
    assert box.sender.dropped == 14_400 - 1_000
    # in the extended regime, every 225 s with these dice, and not every 22 s
    assert line.tries < DAY / 200
    line.answer = None
    box.live(400)

    assert box.numbers(line.ids) == list(range(13_401, 14_401))
    assert box.sender.sent == 1_000
    assert box.queue.made == box.sender.sent + box.sender.dropped


def test_a_day_of_large_events_stays_within_the_bytes() -> None:
    box = Outbox(Line(DOWN), queue_bytes=1_000_000)
    for _ in range(200):
        box.track(3, text="x" * 20_000)
        assert box.queue.size <= 1_000_000
        box.live(60)

    assert box.queue.size <= 1_000_000
    assert box.sender.dropped + len(box.queue) == 600


def test_a_disk_spool_keeps_every_event_of_a_day_without_a_server(tmp_path: Path) -> None:
    # R11 of the faults: with the spool nothing is lost, also over a restart
    line = Line(DOWN)
    options: Options = {"queue": 100, "spool": tmp_path / "spool.sqlite", "interval": 600.0}
    before = Outbox(line, **options)
    for _ in range(24):
        before.track(100)
        before.time.seconds += 3_600
        before.sender.step()
    assert len(before.queue) == 0
    assert before.sender.spooled == 2_400
    assert before.sender.dropped == 0
    assert not before.sender.idle

    line.answer = None
    after = Outbox(line, **options)
    after.time.seconds = before.time.seconds + LEASE / 1e9 + 1
    after.track(7)
    after.live(600)

    assert len(set(line.ids)) == len(line.ids) == 2_407
    assert after.numbers(line.ids)[:2_400] == list(range(1, 2_401))
    assert after.sender.idle
    assert (tmp_path / "spool.sqlite").stat().st_mode & 0o077 == 0


def test_a_full_disk_spool_drops_the_oldest_and_counts_them(tmp_path: Path) -> None:
    line = Line(DOWN)
    box = Outbox(line, spool=tmp_path / "s", spool_bytes=20_000, interval=5.0)
    for _ in range(20):
        box.track(10)
        box.live(10)

    assert 0 < box.sender.spooled < 200
    assert box.sender.dropped == 200 - box.sender.spooled
    line.answer = None
    box.live(2_000)
    assert box.numbers(line.ids) == list(range(200 - len(line.ids) + 1, 201))


def test_a_spool_without_a_server_keeps_for_later(tmp_path: Path) -> None:
    box = Outbox(None, spool=tmp_path / "s")
    box.track(3)
    box.live(5)

    assert (box.sender.spooled, box.sender.dropped, box.sender.idle) == (3, 0, True)


def test_events_are_sent_from_memory_where_the_spool_cannot_be_used(tmp_path: Path) -> None:
    line = Line(DOWN)
    box = Outbox(line, spool=tmp_path / "no such folder" / "s")
    box.track(3)
    box.sender.step()
    assert "events stay in memory" in box.sender.spool_trouble
    assert len(box.queue) == 3

    line.answer = None
    box.live(5)

    assert box.numbers(line.ids) == [1, 2, 3]


def test_events_in_memory_do_not_wait_for_a_spool_that_cannot_be_used_any_more(tmp_path: Path) -> None:
    line, path = Line(DOWN), tmp_path / "s"
    box = Outbox(line, spool=path)
    box.track(3)
    box.live(5)
    assert (box.sender.spooled, len(box.queue)) == (3, 0)
    kept = path.rename(tmp_path / "away")
    path.mkdir()

    line.answer = None
    box.track(2)
    box.live(400)
    assert box.numbers(line.ids) == [4, 5]
    assert "cannot be used" in box.sender.spool_trouble

    path.rmdir()
    kept.rename(path)
    box.live(5)
    assert sorted(box.numbers(line.ids)) == [1, 2, 3, 4, 5]
    assert (box.sender.spool_trouble, box.sender.idle) == ("", True)


def test_two_processes_with_one_spool_send_every_event_once(tmp_path: Path) -> None:
    time = Time()
    path = tmp_path / "s"
    here, there = (Spool(path, 10**6, time.now) for _ in range(2))
    here.append([b"1", b"2"])
    there.append([b"3"])

    rows, lines = here.claim(2, 10**6)
    others, rest = there.claim(100, 10**6)

    assert (lines, rest) == ([b"1", b"2"], [b"3"])
    assert here.claim(100, 10**6)[1] == []
    there.forget(others)
    here.release(rows)
    assert there.claim(100, 10**6)[1] == [b"1", b"2"]
    assert here.amount() == 2


def test_a_claim_of_a_process_that_died_runs_out_also_when_the_clock_was_set_back(tmp_path: Path) -> None:
    time = Time()
    spool = Spool(tmp_path / "s", 10**6, time.now)
    spool.append([b"1"])
    assert spool.claim(9, 99)[1] == [b"1"]
    assert spool.claim(9, 99)[1] == []

    time.seconds += LEASE / 1e9 + 1
    assert spool.claim(9, 99)[1] == [b"1"]
    time.seconds -= DAY
    assert spool.claim(9, 99)[1] == [b"1"]


def test_a_file_that_is_no_spool_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes, longer than the header of a database would have to be " * 20)

    with pytest.raises(StoreError, match="cannot be used"):
        Spool(path, 100, Time().now).amount()

    assert path.read_text().startswith("my notes")


def test_a_spool_is_readable_by_sqlite(tmp_path: Path) -> None:
    Spool(tmp_path / "s", 10**6, Time().now).append([b"{}", b"{}"])

    connection = sqlite3.connect(tmp_path / "s")
    assert connection.execute("select amount, lines from batches").fetchall() == [(2, b"{}\n{}")]
    connection.close()


@pytest.mark.parametrize("status", [0, 408, 429, 500, 503])
def test_a_failure_that_passes_is_tried_again_with_the_same_ids(status: int) -> None:
    line = Line(Answer(status, says="not now"))
    box = Outbox(line)
    box.track(3)
    box.live(2)
    assert (line.tries, box.sender.retried, len(box.queue)) == (2, 2, 3)
    assert box.sender.trouble == "not now"

    line.answer = None
    box.live(5)

    assert box.numbers(line.ids) == [1, 2, 3]
    assert box.sender.trouble == ""
    assert box.sender.refused == 0


@pytest.mark.parametrize("status", [404, 405, 410])
def test_a_refusal_for_good_is_not_tried_again_and_counted(status: int) -> None:
    line = Line(Answer(status, says="no"))
    box = Outbox(line)
    box.track(3)
    box.live(60)

    assert (line.tries, box.sender.refused, len(box.queue)) == (1, 3, 0)


class Disgusted(Line):
    """A server that refuses a batch whole for one event in it."""

    def __init__(self, status: int, *bad: int) -> None:
        super().__init__()
        self.bad = {f"{number:016x}" for number in bad}
        self.status = status

    def send(self, body: bytes, /) -> Answer:
        bad = self.bad & {event.id[16:] for event in decode(body, type=Batch).events}
        self.answer = Answer(self.status, says="no") if bad else None
        return super().send(body)


@pytest.mark.parametrize("spooled", [False, True], ids=["memory", "spool"])
@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("bad", [(1,), (700,), (1_000,), (3, 500, 998)], ids=repr)
def test_one_event_for_which_a_batch_is_refused_takes_no_neighbour_with_it(
    status: int, bad: tuple[int, ...], tmp_path: Path, *, spooled: bool
) -> None:
    line = Disgusted(status, *bad)
    options: Options = {"spool": tmp_path / "s"} if spooled else {}
    box = Outbox(line, **options)
    box.track(1_000)
    box.live(1)

    assert sorted(box.numbers(line.ids)) == [each for each in range(1, 1_001) if each not in bad]
    assert (box.sender.sent, box.sender.refused, box.sender.dropped) == (1_000 - len(bad), len(bad), 0)
    assert box.sender.idle
    # down to each by halves, and up again by doubles
    assert line.tries <= len(bad) * 4 * 10


@pytest.mark.parametrize("spooled", [False, True], ids=["memory", "spool"])
def test_a_server_that_refuses_everything_is_not_asked_about_each_event(
    tmp_path: Path, *, spooled: bool
) -> None:
    line = Line(Answer(400, says="no"))
    options: Options = {"spool": tmp_path / "s"} if spooled else {}
    box = Outbox(line, **options)
    box.track(9_000)
    box.live(5)

    assert (box.sender.refused, box.sender.idle) == (9_000, True)
    assert line.tries < 40

    line.answer = None
    box.track(100)
    box.live(5)
    assert box.sender.sent == 100


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_shown_and_the_events_wait_for_a_right_one(status: int) -> None:
    line = Line(Answer(status, says="the key is not accepted"))
    box = Outbox(line)
    box.track(3)
    box.live(100)

    assert (line.tries, len(box.queue)) == (1, 3)
    assert "key" in box.sender.trouble


def test_retry_after_is_waited_for() -> None:
    line = Line(Answer(429, retry_after=100.0))
    box = Outbox(line)
    box.track(1)
    box.live(99)
    assert line.tries == 1

    line.answer = None
    box.live(2)

    assert line.tries == 2


def test_a_batch_that_is_too_large_is_halved_until_it_fits() -> None:
    class Small(Line):
        def send(self, body: bytes, /) -> Answer:
            self.answer = Answer(413, says="too large") if len(decode(body, type=Batch).events) > 3 else None
            return super().send(body)

    line = Small()
    box = Outbox(line)
    box.track(20)
    box.live(30)

    assert box.numbers(line.ids) == list(range(1, 21))
    assert box.sender.refused == 0


def test_a_row_of_the_spool_is_parted_without_a_loss_and_its_first_part_stays_the_oldest(
    tmp_path: Path,
) -> None:
    spool = Spool(tmp_path / "s", 10**6, Time().now)
    spool.append([b"1", b"2", b"3"])
    spool.append([b"4"])

    rows, lines = spool.claim(1, 10**6)
    others, rest = spool.claim(9, 10**6)
    assert (lines, rest, spool.amount()) == ([b"1"], [b"2", b"3", b"4"], 4)

    spool.release([*rows, *others])
    assert spool.claim(9, 10**6)[1] == [b"1", b"2", b"3", b"4"]


def test_a_single_event_that_is_too_large_is_refused_for_good() -> None:
    box = Outbox(Line(Answer(413)))
    box.track(1)
    box.live(30)

    assert (box.sender.refused, len(box.queue)) == (1, 0)


def test_events_that_the_server_rejects_are_counted_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    rejected = Rejected(1, "unit_id", "the unit id has a NUL")
    box = Outbox(Line(Answer(202, Accepted(2, [rejected]))))
    box.track(3)
    with caplog.at_level(logging.WARNING, "splitrun"):
        box.live(5)

    assert (box.sender.sent, box.sender.refused, box.sender.retried) == (2, 1, 0)
    assert "the unit id has a NUL" in caplog.text


def test_batches_hold_five_thousand_events_at_most() -> None:
    line = Line()
    box = Outbox(line)
    box.track(9_000)
    box.live(5)

    assert line.sizes == [5_000, 4_000]


def test_an_event_that_is_too_large_or_no_json_is_rejected_alone() -> None:
    line = Line()
    box = Outbox(line)
    box.track(1)
    box.track(1, text="x" * 64_001)
    box.queue.put(pack(({}, "view", "a\0b", None, None, 0)))
    box.queue.put(pack(({"x": float("nan")}, "view", "u1", None, None, 0)))
    box.queue.put(Linked(0, "u1", None, "\ud800", None))
    box.queue.put(b"nothing that was packed")
    box.track(1)
    box.live(5)

    assert (len(line.ids), box.sender.sent) == (2, 2)
    assert box.queue.rejected == 5
    assert "could not be written" in box.sender.note


def test_losses_are_reported_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    box = Outbox(Line(DOWN), queue=10)
    with caplog.at_level(logging.WARNING, "splitrun"):
        for _ in range(180):
            box.track(5)
            box.live(1)

    assert 3 <= len(caplog.records) <= 4
    assert "events were lost" in caplog.records[0].getMessage()
    assert "nobody answers" in caplog.text


def test_patience_grows_with_jitter_and_then_goes_to_the_extended_regime() -> None:
    lowest, highest = Patience(lambda: 0.0), Patience(lambda: 1.0)

    assert [lowest.failed() for _ in range(8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 150.0, 150.0]
    assert [highest.failed() for _ in range(8)] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 300.0, 300.0]
    highest.worked()
    assert highest.failed() == 1.0
    assert highest.failed(10.0) == 10.0
    assert highest.failed(10**9) == 3_600.0
    assert Patience(lambda: 1.0).failed(long=True) == 300.0


class Raising(Line):
    """A product's own delivery with a fault in it."""

    def __init__(self, fault: BaseException) -> None:
        super().__init__()
        self.fault: BaseException | None = fault

    def send(self, body: bytes, /) -> Answer:
        if self.fault is not None:
            self.tries += 1
            raise self.fault
        return super().send(body)


@pytest.mark.parametrize(
    "fault",
    [OSError("disk full"), RecursionError(), UnicodeError("é"), CancelledError(), SystemExit(1)],
    ids=lambda fault: type(fault).__name__,
)
def test_a_delivery_that_raises_loses_no_event(fault: BaseException) -> None:
    line = Raising(fault)
    box = Outbox(line)
    box.track(3)
    box.live(2)
    assert (line.tries > 0, len(box.queue), box.sender.idle) == (True, 3, False)
    assert type(fault).__name__ in box.sender.trouble

    line.fault = None
    box.track(2)
    box.live(10)

    assert box.numbers(line.ids) == [1, 2, 3, 4, 5]
    assert box.sender.sent == 5


class Poisoned(Line):
    """A delivery that raises whenever an event of one name is in the batch."""

    def send(self, body: bytes, /) -> Answer:
        if b"poison" in body:
            self.tries += 1
            raise ValueError
        return super().send(body)


@pytest.mark.parametrize("spooled", [False, True])
def test_a_batch_on_which_a_delivery_always_raises_is_given_up_and_those_behind_it_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, spooled: bool
) -> None:
    line = Poisoned()
    options: Options = {"spool": tmp_path / "s"} if spooled else {}
    box = Outbox(line, **options)
    box.track(2, text="poison")
    box.sender.step()
    box.track(3)

    with caplog.at_level(logging.WARNING, "splitrun"):
        box.live(400)

    assert line.tries == 2 * GIVE_UP + 1
    assert box.numbers(line.ids) == [3, 4, 5]
    assert (box.sender.sent, box.sender.dropped, box.queue.made, box.sender.idle) == (3, 2, 5, True)
    assert "given up after 6 tries: the delivery raised ValueError" in caplog.text


@pytest.mark.parametrize(
    "accepted",
    [
        Accepted(0),
        Accepted(-1),
        Accepted(4),
        Accepted(3, [Rejected(0, "id", "no")]),
        Accepted("3"),  # type: ignore[arg-type] # as a product's delivery may
        Accepted(3, 5),  # type: ignore[arg-type] # as above
        5,
    ],
    ids=repr,
)
def test_an_answer_whose_numbers_do_not_add_up_is_no_acknowledgement(accepted: Accepted) -> None:
    line = Line(Answer(202, accepted))
    box = Outbox(line)
    box.track(3)
    box.live(5)
    assert (box.sender.sent, len(box.queue), line.tries > 1) == (0, 3, True)
    assert "next try" in box.sender.trouble

    line.answer = None
    box.live(10)

    assert box.numbers(line.ids) == [1, 2, 3]
    assert (box.sender.sent, box.sender.trouble) == (3, "")


def test_events_that_a_server_never_acknowledges_are_dropped_with_the_reason() -> None:
    line = Line(Answer(202, Accepted(0)))
    box = Outbox(line)
    box.track(3)
    box.live(400)

    assert (line.tries, box.sender.sent, box.sender.dropped, len(box.queue)) == (3 * GIVE_UP, 0, 3, 0)
    assert box.sender.note == (
        "1 event was given up after 6 tries: of 1 sent the server accepted 0 and rejected 0, which does "
        "not add up; look at the server, or at what stands in between"
    )


@pytest.mark.parametrize(
    "answer",
    [
        Answer(503, retry_after="soon"),  # type: ignore[arg-type] # as a product's delivery may
        Answer(503, says=5),  # type: ignore[arg-type] # as above
    ],
    ids=["retry_after", "says"],
)
def test_an_answer_of_a_delivery_that_is_none_is_told(answer: Answer) -> None:
    box = Outbox(Line(answer))
    box.track(1)
    box.live(1)

    assert "answer with an Answer" in box.sender.trouble
    assert len(box.queue) == 1


def test_flushing_again_and_again_gives_nothing_up_in_a_bad_moment() -> None:
    line = Line(Answer(202, Accepted(0)))
    box = Outbox(line)
    box.track(3)
    for _ in range(50):
        box.sender.hurry.set()
        box.sender.step()
        box.time.seconds += 0.1
    assert line.tries == 50

    line.answer = None
    box.live(400)

    assert (box.sender.sent, box.sender.dropped) == (3, 0)


def test_a_delivery_that_says_nothing_of_numbers_took_all() -> None:
    box = Outbox(Line(Answer(202)))
    box.track(3)
    box.live(1)

    assert (box.sender.sent, len(box.queue)) == (3, 0)


def test_lines_whose_taker_came_to_no_end_are_taken_again() -> None:
    box = Outbox(None)
    box.track(3)
    box.queue.encode(box.sender.writer.line)

    first = box.queue.take(2, 10**6)
    again = box.queue.take(3, 10**6)

    assert (len(first), len(again), len(box.queue)) == (2, 3, 3)
    assert list(again[:2]) == list(first)
