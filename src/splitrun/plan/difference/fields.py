"""Where two values differ: the paths, with what stood there and what stands there now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from json import dumps
from typing import TypeGuard

from splitrun.spec.written.document import Path, Scalar, Value, dotted

__all__ = ["Field", "differing", "short"]

LONGEST = 60
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value that differs."""

    path: Path
    before: str
    """As it was written, shortened; empty where there was nothing."""
    after: str

    @property
    def name(self) -> str:
        """The path as people write it: `variants.one-page.weight`."""
        return dotted(self.path)

    @property
    def top(self) -> str:
        """The first step of the path; nothing where the whole differs."""
        return str(self.path[0]) if self.path else ""

    @property
    def says(self) -> str:
        """The field in one line."""
        where = f"{self.name}: " if self.path else ""
        return f"{where}{self.before or 'nothing'} -> {self.after or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Two:
    """A value as it is meant and as it was written."""

    meant: object
    written: Value

    def at(self, step: Scalar) -> Two:
        """What stands one step deeper."""
        match self.meant:
            case dict():
                meant = self.meant.get(step)
            case tuple() | list() if type(step) is int and step < len(self.meant):
                meant = self.meant[step]
            case _:
                meant = None
        match self.written:
            case dict():
                return Two(meant, self.written.get(step))
            case tuple() if type(step) is int and step < len(self.written):
                return Two(meant, self.written[step])
            case _:
                return Two(meant, None)

    @property
    def shown(self) -> str:
        """In a few characters, as it was written where that is known."""
        if self.meant is None:
            return ""
        return short(self.meant if self.written is None else self.written)


def differing(before: tuple[object, Value], after: tuple[object, Value]) -> tuple[Field, ...]:
    """Find where two values differ; formatting and the order of keys are no difference.

    Args:
        before: What was meant, with defaults, and what was written.
        after: The same of what is there now.
    """
    return tuple(walked(Two(*before), Two(*after), ()))


def walked(before: Two, after: Two, path: Path) -> Iterator[Field]:
    """Go down as long as both sides hold others."""
    if same(before.meant, after.meant):
        return
    if open_mapping(before) and open_mapping(after):
        for key in {**as_mapping(before.meant), **as_mapping(after.meant)}:
            yield from walked(before.at(key), after.at(key), (*path, key))
    elif sequence(before.meant) and sequence(after.meant) and any_parts(before.meant, after.meant):
        for index in range(max(len(before.meant), len(after.meant))):
            yield from walked(before.at(index), after.at(index), (*path, index))
    else:
        yield Field(path, before.shown, after.shown)


def open_mapping(one: Two) -> bool:
    """Whether this is a mapping for its writer too: `1%` is read as one, and is one value."""
    return type(one.meant) is dict and (one.written is None or type(one.written) is dict)


def as_mapping(value: object) -> dict[Scalar, object]:
    """Take a value as a mapping."""
    return value if type(value) is dict else {}


def sequence(value: object) -> TypeGuard[tuple[object, ...]]:
    """Whether this is a sequence."""
    return type(value) in {tuple, list}


def any_parts(before: tuple[object, ...], after: tuple[object, ...]) -> bool:
    """Whether there are parts worth going into: plain lists are shown whole."""
    return any(type(part) in {dict, tuple, list} for part in (*before, *after))


def same(before: object, after: object) -> bool:
    """Whether two values are the same: 1 is 1.0 and not true; nothing is nothing, written out or not."""
    match before, after:
        case dict(), dict():
            keys = before.keys() | after.keys()
            return all(same(before.get(key), after.get(key)) for key in keys)
        case tuple() | list(), tuple() | list():
            return len(before) == len(after) and all(map(same, before, after))
        case _:
            return (type(before) is bool) == (type(after) is bool) and before == after


def short(value: object) -> str:
    """Show a value in a few characters."""
    text = value if type(value) is str else dumps(value, ensure_ascii=False, default=str)
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
