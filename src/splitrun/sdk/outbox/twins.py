"""Exposures that two threads logged at the same moment, each before it could see the other's: one is sent."""

from __future__ import annotations

from splitrun.sdk.outbox.records import Met

__all__ = ["LATELY", "Twins"]

LATELY = 20_000
"""Exposures among which a twin is found; a thread would have to stand still while so many others are sent."""


class Twins:
    """Finds an exposure that was there before, among the last `LATELY` to twice as many.

    Remembering what was logged (`Mark.fresh`) and asking for it are two steps: exact among threads only with
    a claim, which costs every first exposure a fifth of its time. The sender, which is alone, finds out what
    came twice instead.
    """

    def __init__(self) -> None:
        # when they were made: a record that is written again, after an interruption, is no twin of itself
        self.lately: dict[tuple[object, ...], int] = {}
        self.before: dict[tuple[object, ...], int] = {}

    def found(self, record: Met) -> bool:
        """Whether it was there before; of a unit that withdrew, what comes later is new."""
        key = stretch(record, trigger=record.trigger)
        if record.left:
            for each in (key, stretch(record, trigger=True)):
                self.lately.pop(each, None)
                self.before.pop(each, None)
            return False
        first = self.lately.get(key)
        if first is None:
            first = self.before.get(key)
        if first is not None:
            return first != record.at
        self.lately[key] = record.at
        if len(self.lately) >= LATELY:
            self.before, self.lately = self.lately, {}
        return False


def stretch(record: Met, *, trigger: bool) -> tuple[object, ...]:
    """What a unit is logged once for."""
    answer = record.answer
    phase = (answer.experiment, answer.version, answer.phase, answer.enrolling)
    return (record.unit, record.unit_type, *phase, trigger)
