from __future__ import annotations

from collections import deque

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from splitrun.sdk.outbox.queue import HIGH, Queue
from splitrun.sdk.outbox.records import SMALL, Linked, Record, weight

ROOM, ROOM_BYTES = 12, 30 * SMALL


def linked(number: int, weight: int = 0) -> Linked:
    """A record that is told from others by its time."""
    return Linked(number, f"u{number}", None, "was", None, weight)


def at(record: Record) -> int:
    """When it was made, by which these tests tell records."""
    match record:
        case Linked(at=at):
            return at
        case _:
            raise AssertionError(record)


def line(record: Record) -> tuple[bytes, str]:
    if at(record) % 7 == 0:
        return b"", "not fit"
    return b"%d" % at(record) + b" " * weight(record), ""


class QueueMachine(RuleBasedStateMachine):
    """A queue against a plain list of what should be in it, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.woken = 0
        self.queue = Queue(ROOM, ROOM_BYTES, self.wake)
        self.flying: list[int] = []
        self.waiting: deque[int] = deque()
        self.weights: dict[int, int] = {}
        self.lines: set[int] = set()
        self.made = self.dropped = self.rejected = self.gone = 0

    def wake(self) -> None:
        self.woken += 1

    def size(self) -> int:
        return sum(
            len(line(linked(each, self.weights[each]))[0])
            if each in self.lines
            else SMALL + self.weights[each]
            for each in (*self.flying, *self.waiting)
        )

    def full(self) -> bool:
        return len(self.flying) + len(self.waiting) > ROOM or self.size() > ROOM_BYTES

    def drop_the_oldest(self) -> None:
        while self.full() and self.waiting:
            self.waiting.popleft()
            self.dropped += 1

    @rule(weight=st.sampled_from([0, 0, 0, SMALL, 9 * SMALL, 40 * SMALL]))
    def put(self, weight: int) -> None:
        self.made += 1
        number = self.made
        self.weights[number] = weight
        self.waiting.append(number)
        self.queue.put(linked(number, weight))
        self.drop_the_oldest()

    @rule()
    def encode(self) -> None:
        self.queue.encode(line)
        for each in list(self.waiting):
            if each not in self.lines and each % 7 == 0:
                self.waiting.remove(each)
                self.rejected += 1
        self.lines.update(self.waiting)
        self.drop_the_oldest()

    @precondition(lambda self: not self.flying)
    @rule(most=st.integers(1, 5))
    def take(self, most: int) -> None:
        taken = self.queue.take(most, 10**9)
        while self.waiting and self.waiting[0] in self.lines and len(self.flying) < most:
            self.flying.append(self.waiting.popleft())
        assert [int(each) for each in taken] == self.flying

    @precondition(lambda self: self.flying)
    @rule()
    def settle(self) -> None:
        self.queue.settle()
        self.gone += len(self.flying)
        self.flying = []

    @precondition(lambda self: self.flying)
    @rule()
    def back(self) -> None:
        self.queue.back()
        self.waiting.extendleft(reversed(self.flying))
        self.flying = []
        self.drop_the_oldest()

    @invariant()
    def it_holds_the_newest_and_counts_the_rest(self) -> None:
        queue = self.queue
        held = [int(each) for each in queue.held] + [at(each) for each in queue.fresh]
        assert held == list(self.waiting)
        assert (queue.made, queue.dropped, queue.rejected) == (self.made, self.dropped, self.rejected)
        assert queue.made == len(queue) + queue.dropped + queue.rejected + self.gone
        assert queue.size == self.size()
        assert len(queue) <= ROOM
        assert queue.size <= ROOM_BYTES or not held


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_the_first_record_wakes_the_sender_and_then_only_many_do() -> None:
    woken: list[int] = []
    queue = Queue(10_000, 16_000_000, lambda: woken.append(1))

    queue.put(linked(1))
    assert len(woken) == 1
    queue.encode(line)
    for number in range(2, HIGH + 2):
        queue.put(linked(number))
    assert len(woken) == 1

    for number in range(HIGH + 2, HIGH + 50):
        queue.put(linked(number))

    assert len(woken) == 2


def test_what_was_here_before_does_not_count() -> None:
    queue = Queue(10, 10**6, lambda: None)
    for number in (1, 1, 2):
        queue.put(linked(number))
    seen: set[int] = set()

    def once(record: Record) -> tuple[bytes, str]:
        if at(record) in seen:
            return b"", ""
        seen.add(at(record))
        return line(record)

    assert queue.made == 3
    assert not queue.encode(once)
    assert (list(queue.held), queue.made, queue.rejected, queue.dropped) == ([b"1", b"2"], 2, 0, 0)


def test_a_closed_queue_keeps_nothing_and_counts_it() -> None:
    queue = Queue(10, 10**6, lambda: None)
    queue.put(linked(1))

    queue.close()
    queue.put(linked(2))

    assert (len(queue), queue.dropped, queue.made) == (0, 2, 2)


def test_two_processes_draw_different_prefixes() -> None:
    assert Queue(1, 1, lambda: None).prefix != Queue(1, 1, lambda: None).prefix


def test_a_batch_is_bounded_in_bytes() -> None:
    queue = Queue(100, 10**6, lambda: None)
    for number in (1, 2, 3):
        queue.put(linked(number, 10))
    queue.encode(line)

    assert [int(each) for each in queue.take(100, 25)] == [1, 2]
