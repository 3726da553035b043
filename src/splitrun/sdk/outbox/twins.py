"""Exposures that two threads logged at the same moment, each before it could see the other's: one is sent."""

from __future__ import annotations

from splitrun.sdk.outbox.records import Met, Stretch

__all__ = ["LATELY", "Twins"]

LATELY = 20_000
"""Exposures among which a twin is found; a thread would have to stand still while so many others are sent."""

Key = tuple[str, Stretch, bool]
"""Unit, stretch, and whether it is a trigger."""


class Twins:
    """Finds an exposure that was there before, among the last `LATELY` to twice as many.

    Remembering what was logged (`Mark.fresh`) and asking for it are two steps: exact among threads only with
    a claim, which costs every first exposure a fifth of its time. The sender, which is alone, finds out what
    came twice instead.
    """

    def __init__(self) -> None:
        # when they were made: a record that is written again, after an interruption, is no twin of itself
        self.lately: dict[Key, int] = {}
        self.before: dict[Key, int] = {}

    def found(self, record: Met) -> bool:
        """Whether it was there before; of a unit that withdrew, what comes later is new."""
        key = (record.unit, record.stretch, record.trigger)
        if record.left:
            for trigger in (False, True):
                key = (record.unit, record.stretch, trigger)
                self.lately.pop(key, None)
                self.before.pop(key, None)
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
