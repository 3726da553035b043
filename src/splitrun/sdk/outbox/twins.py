"""What was logged before: the sender, which is alone, leaves it out, so that callers need not be exact."""

from __future__ import annotations

from splitrun.sdk.outbox.records import Met, Stretch

__all__ = ["LATELY", "Twins"]

LATELY = 20_000
"""Exposures among which a twin is found, however few a client is to remember; a thread would have to stand
still while so many others are sent."""


class Twins:
    """Finds an exposure that was there before, among the last `room` to twice as many.

    Asking whether a unit was logged and remembering it are two steps: exact among threads only with a claim,
    which costs every first exposure a fifth of its time. And what callers ask (`Mark.fresh`) forgets all at
    once when it is full; a second, older set to be asked costs a tenth.

    Args:
        room: Exposures and triggers until a generation is full; two are kept.
    """

    def __init__(self, room: int = LATELY) -> None:
        self.room = room
        self.amount = 0
        """In the younger generation of all stretches."""
        self.stretches: set[Stretch] = set()
        self.latest: tuple[Met | None, bool] = (None, False)
        """What was looked at last: if its line is not written for an interruption, it is looked at again."""

    def found(self, record: Met) -> bool:
        """Whether it was there before; of a withdrawal, whether nothing is there that it could be from."""
        latest, said = self.latest
        if record is latest:
            return said
        stretch, key = record.stretch, record.key
        said = key in stretch.lately or key in stretch.before
        if record.left:
            said = not stretch.knows(record.unit)
        self.latest = record, said
        if record.left:
            stretch.forget(record.unit)
        elif not said:
            self.add(stretch, key)
        return said

    def add(self, stretch: Stretch, key: object) -> None:
        """Remember an exposure, and forget the older half where there is no room."""
        if stretch not in self.stretches:
            more = set(stretch.line()) - self.stretches
            self.stretches |= more
            self.amount += sum(len(each.lately) for each in more)
        if self.amount >= self.room:
            self.amount = 0
            for each in self.stretches:
                each.before, each.lately = each.lately, set()
            self.stretches = {each for each in self.stretches if each.before}
            self.stretches.add(stretch)
        stretch.lately.add(key)
        self.amount += 1
