"""Values as they were written, and where in which file each of them stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from splitrun.errors import Mistake, Place

__all__ = ["Document", "Mark", "Path", "Scalar", "Site", "Value", "Written", "dotted"]

Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = "Scalar | tuple[Value, ...] | dict[Scalar, Value]"
Path: TypeAlias = tuple[Scalar, ...]
"""Keys and indices from the top of a document down to a value."""

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where one value stands."""

    value: Place
    key: Place | None = None
    text: Place | None = None
    """The first character of text that stands on one line as it is; its characters can be pointed at."""


@dataclass(frozen=True, slots=True)
class Document:
    """A value with its places; without marks where it came from Python."""

    file: str
    value: Value
    marks: Mapping[Path, Mark] = field(default_factory=dict)
    origins: Mapping[Path, Path] = field(default_factory=dict)
    """Where values stood before others were taken out, if they moved."""

    def at(self, path: Path) -> Value:
        """Give the value at a path, or None where nothing is written."""
        here = self.value
        for step in path:
            match here:
                case dict() if step in here:
                    here = here[step]
                case tuple() if type(step) is int and 0 <= step < len(here):
                    here = here[step]
                case _:
                    return None
        return here

    def mark(self, path: Path) -> Mark | None:
        """Give the mark at a path, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.marks:
                return self.marks[path[:length]]
        return None

    def mistake(self, path: Path, says: str, remedy: str, *, at_key: bool = False) -> Mistake:
        """Make a mistake that points at a path of this document.

        Args:
            path: From the top to the value.
            says: What is wrong, with the values.
            remedy: What to do next.
            at_key: Point at the key instead of its value.
        """
        mark = self.mark(path)
        place = None if mark is None else (mark.key if at_key and mark.key else mark.value)
        return Mistake(says=says, next=remedy, path=dotted(self.origins.get(path, path)), place=place)

    def without(self, paths: Iterable[Path]) -> Document:
        """Give this document without the values at some paths; what is left keeps its places and names."""
        cut, kept = frozenset(paths), dict[Path, Path]()
        value = pruned(self.value, (), (), cut, kept)
        marks = {new: self.marks[old] for new, old in kept.items() if old in self.marks}
        return Document(self.file, value, marks, {new: old for new, old in kept.items() if new != old})

    def over(self, below: Document, merged: frozenset[Path]) -> Document:
        """Lay this document over another, which fills what is not said here.

        Args:
            below: What fills the gaps.
            merged: Mappings that are merged key by key; all others are taken whole from one of the two.
        """
        value, taken = laid_over(self.value, below.value, (), merged)
        marks = dict(self.marks)
        marks |= {path: mark for path, mark in below.marks.items() if any(path[: len(t)] == t for t in taken)}
        return Document(self.file, value, marks)


@dataclass(frozen=True, slots=True)
class Written(Generic[T_co]):
    """A value that was read and found good, with the document it came from."""

    value: T_co
    document: Document


@dataclass(frozen=True, slots=True)
class Site:
    """A path in a document, to point at."""

    document: Document
    path: Path

    def mistake(self, says: str, remedy: str, *deeper: Scalar) -> Mistake:
        """Make a mistake that points here, or at something inside."""
        return self.document.mistake((*self.path, *deeper), says, remedy)

    def __truediv__(self, step: Scalar) -> Site:
        return Site(self.document, (*self.path, step))


def dotted(path: Path) -> str:
    """Write a path the way people do: `metrics.primary[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if type(step) is int else f".{step}" if text else f"{step}"
    return text


def pruned(value: Value, old: Path, new: Path, cut: frozenset[Path], kept: dict[Path, Path]) -> Value:
    """Copy a value without what stands at the paths to cut, noting where each value was before."""
    kept[new] = old
    match value:
        case dict():
            return {
                key: pruned(part, (*old, key), (*new, key), cut, kept)
                for key, part in value.items()
                if (*old, key) not in cut
            }
        case tuple():
            left = [index for index in range(len(value)) if (*old, index) not in cut]
            return tuple(
                pruned(value[before], (*old, before), (*new, after), cut, kept)
                for after, before in enumerate(left)
            )
        case _:
            return value


def laid_over(above: Value, below: Value, path: Path, merged: frozenset[Path]) -> tuple[Value, list[Path]]:
    """Merge two values; say which paths were taken from below."""
    if not (type(above) is dict and type(below) is dict and path in merged):
        return above, []
    value, taken = dict(above), list[Path]()
    for key, part in below.items():
        if key not in above:
            value[key] = part
            taken.append((*path, key))
        else:
            value[key], deeper = laid_over(above[key], part, (*path, key), merged)
            taken += deeper
    return value, taken
