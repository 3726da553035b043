"""What units decided: consent, opt-out, and what is held back until they do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from splitrun.sdk.outbox.records import SMALL, Met, Record, weight
from splitrun.sdk.status import Consent

__all__ = ["Choices", "meant"]

STATES: dict[object, Consent] = {state.value: state for state in Consent}


class Choices:
    """Decisions of units, in memory only.

    Who denied, opted out, or is still to decide where others are not asked, is never forgotten while the
    process lives; who granted is, when there are too many, which means asking again. Held-back records are
    bounded in number and bytes; the unit that waits longest loses its own first.

    Args:
        usual: Consent of units that have not said.
        out: Units that opted out, or who answers for one.
        room: Records that may be held back, and units that are remembered to have granted.
        room_bytes: Bytes that they may take.
    """

    def __init__(
        self,
        usual: Consent,
        out: Collection[str] | Callable[[str], bool] | None,
        room: int,
        room_bytes: int,
    ) -> None:
        self.usual, self.room, self.room_bytes = usual, room, room_bytes
        self.given: Callable[[str], bool] | None = None
        if out is not None:
            self.given = out if callable(out) else frozenset(map(str.__str__, out)).__contains__
        self.gone: set[str] = set()
        self.granted: dict[str, None] = {}
        self.denied: set[str] = set()
        self.undecided: set[str] = set()
        """Units that said `pending`, or something that is no consent, where the usual is another."""
        self.pending: dict[str, list[Record]] = {}
        self.amount = self.bytes = self.dropped = self.forgotten = 0
        """Records held back; how many were dropped for room, and how many because their unit refused."""
        self.trouble = ""
        """Why it could not be told whether a unit opted out, the last time."""
        self.lock = threading.RLock()
        self.asked = usual is not Consent.GRANTED or out is not None
        """Whether a call has to ask at all."""

    def state(self, unit: str, said: Consent | str | None) -> Consent:
        """The unit's consent: its refusal, what the call says, what the unit said before, what is usual."""
        if said is None:
            return self.decision(unit) or self.usual
        if unit in self.denied:
            return Consent.DENIED
        return meant(said) or Consent.PENDING

    def decision(self, unit: str) -> Consent | None:
        """What the unit said before; None where it has not."""
        if unit in self.denied:
            return Consent.DENIED
        if unit in self.undecided:
            return Consent.PENDING
        return Consent.GRANTED if unit in self.granted else None

    def out(self, unit: str) -> bool:
        """Whether the unit opted out; where that cannot be told, it counts as if it had."""
        if unit in self.gone:
            return True
        if self.given is None:
            return False
        try:
            out = bool(self.given(unit))
        except Exception as error:  # noqa: BLE001 - a product's function may raise anything
            self.trouble = (
                f"opted_out raised {type(error).__name__}; the units it was asked about get defaults and "
                "are not logged; mend the function"
            )
            return True
        self.trouble = ""
        return out

    def opt_out(self, unit: str) -> None:
        """The unit takes no part from now on; what was held back of it is dropped."""
        with self.lock:
            self.asked = True
            self.gone.add(unit)
            self.forgotten += len(self.release(unit))

    def hold(self, unit: str, record: Record) -> None:
        """Keep a record until its unit decides; an exposure once only."""
        with self.lock:
            records = self.pending.setdefault(unit, [])
            match record:
                case Met() if any(same(record, other) for other in records):
                    return
            records.append(record)
            self.amount += 1
            self.bytes += weight(record) or SMALL
            while self.pending and (self.amount > self.room or self.bytes > self.room_bytes):
                self.dropped += len(self.release(next(iter(self.pending))))

    def renew(self) -> None:
        """Live on in the child of a fork: decisions stay, what was held back is the parent's to send."""
        self.lock = threading.RLock()
        self.pending = {}
        self.amount = self.bytes = self.dropped = self.forgotten = 0

    def release(self, unit: str) -> list[Record]:
        """Hand over what was held back of a unit."""
        with self.lock:
            records = self.pending.pop(unit, [])
            self.amount -= len(records)
            self.bytes -= sum(weight(record) or SMALL for record in records)
            return records

    def decided(self, unit: str, said: Consent | str) -> list[Record]:
        """Note a unit's decision; answers the records that may now be logged.

        A word that is no consent counts as `pending`, and lifts no denial. Other threads look without the
        lock, and a fork may come at any line: what holds from now on is noted before what held goes.
        """
        state = meant(said)
        with self.lock:
            if state is None and unit in self.denied:
                return []
            self.asked = True
            self.granted.pop(unit, None)
            if state is Consent.DENIED:
                # who was still to decide stays in `undecided`: whoever looks there is too late for `denied`
                self.denied.add(unit)
                self.forgotten += len(self.release(unit))
                return []
            if state is Consent.GRANTED:
                if self.usual is not Consent.GRANTED:
                    self.granted[unit] = None
                    if len(self.granted) > self.room:
                        del self.granted[next(iter(self.granted))]
                self.undecided.discard(unit)
                self.denied.discard(unit)
                return self.release(unit)
            if self.usual is not Consent.PENDING:
                self.undecided.add(unit)
            self.denied.discard(unit)
            return []


def meant(said: object) -> Consent | None:
    """Read a word of consent, also one of a product's own kind of text; None where it is none."""
    return STATES.get(str.__str__(said)) if issubclass(type(said), str) else None


def identity(record: Met) -> tuple[object, ...]:
    """What tells an exposure from others."""
    answer = record.answer
    return answer.experiment, answer.version, answer.phase, record.unit, record.trigger


def same(record: Met, other: Record) -> bool:
    """Whether two records are of one exposure."""
    match other:
        case Met():
            # of one user several accounts may be exposed
            return identity(record) == identity(other)
        case _:
            return False
