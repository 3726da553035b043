"""What is asked most, each compiled to one closure: an experiment of two halves, and the way into a flag.

Every call that is spared is a tenth of the whole. A *door* takes the unit's id as the caller gave it, and
raises whatever is wrong with it or with the attributes; `Evaluator.answer`, asked then, never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from splitrun.assign.evaluation import Evaluation
from splitrun.assign.slots import LONGEST, REFUSED, id_bytes, sha256
from splitrun.assign.sticky import Sticky
from splitrun.terms.quick import all_of

__all__ = ["Attributes", "Door", "Halves", "Program", "door"]

Attributes = Mapping[str, object]
Program = Callable[[bytes, Attributes, Sticky | None], Evaluation]
Door = Callable[[str, Attributes], Evaluation]
Holds = Callable[[Attributes], bool]


class Halves(Struct, frozen=True):
    """Two variants, what tells them apart, and the conditions that must all hold before."""

    prefix: bytes
    end: bytes
    first: Evaluation
    second: Evaluation
    declined: Evaluation
    tests: tuple[Holds, ...]
    """At most three."""

    def program(self) -> Program:
        """Compile to a program."""
        prefix, end, first, second = self.prefix, self.end, self.first, self.second
        declined, hashed = self.declined, sha256
        match self.tests:
            case ():
                return lambda data, _a, _sticky: first if hashed(prefix + data).digest() < end else second
            case (one,):
                return lambda data, a, _sticky: (
                    (first if hashed(prefix + data).digest() < end else second) if one(a) else declined
                )
            case (one, two):
                return lambda data, a, _sticky: (
                    (first if hashed(prefix + data).digest() < end else second)
                    if one(a) and two(a)
                    else declined
                )
            case _:
                one, two, three = self.tests
                return lambda data, a, _sticky: (
                    (first if hashed(prefix + data).digest() < end else second)
                    if one(a) and two(a) and three(a)
                    else declined
                )

    def door(self) -> Door:
        """Compile to a door."""
        prefix, end, first, second = self.prefix, self.end, self.first, self.second
        declined, hashed, refused, longest = self.declined, sha256, REFUSED, LONGEST
        match self.tests:
            case ():

                def door_of_all(unit: str, _attributes: Attributes) -> Evaluation:
                    data = unit.encode()
                    if unit in refused or "\0" in unit or len(data) > longest:
                        id_bytes(unit)
                    return first if hashed(prefix + data).digest() < end else second

                return door_of_all
            case tests:
                holds = all_of(list(tests))

                def door_of_some(unit: str, a: Attributes) -> Evaluation:
                    data = unit.encode()
                    if unit in refused or "\0" in unit or len(data) > longest:
                        id_bytes(unit)
                    if holds(a):
                        return first if hashed(prefix + data).digest() < end else second
                    return declined

                return door_of_some


def door(program: Program) -> Door:
    """Make the door of any program."""

    def opened(unit: str, attributes: Attributes) -> Evaluation:
        data = unit.encode()
        if unit in REFUSED or "\0" in unit or len(data) > LONGEST:
            # it says what is wrong
            id_bytes(unit)
        return program(data, attributes, None)

    return opened
