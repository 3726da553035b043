"""Text in, values out; all mistakes of a file at once, with places. No file is opened here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias, TypeVar

from pydantic import TypeAdapter, ValidationError

from splitrun.errors import Mistake, SpecError
from splitrun.spec.flag import Switchboard
from splitrun.spec.project import Annotation, Definitions, Project
from splitrun.spec.written.document import Document, Path, Scalar, Value, Written, dotted
from splitrun.spec.written.text import MAX_DEPTH, MAX_NODES, UNPRINTABLE, document
from splitrun.spec.written.unbuilt import METRICS, PROJECT, Rule, unbuilt
from splitrun.spec.written.wording import Faults, faults

__all__ = [
    "MERGED",
    "Draft",
    "Text",
    "checked",
    "found",
    "read",
    "read_annotations",
    "read_definitions",
    "read_experiment",
    "read_experiment_mapping",
    "read_flags",
    "read_mapping",
    "read_project",
]

T = TypeVar("T")

Text: TypeAlias = str | bytes | Document
"""A file's content, or a document that was read before."""

MERGED: frozenset[Path] = frozenset(
    {(), ("hypothesis",), ("hypothesis", "expect"), ("analysis",), ("metrics",), ("duration",), ("sources",)}
)
"""Where what is written is merged, key by key, with what a template says; all else is taken whole."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An experiment as written; what a template or another experiment fills is not yet in it."""

    document: Document

    @property
    def key(self) -> str:
        """The experiment's key; empty where it says none."""
        return self.said("key")

    @property
    def template(self) -> str:
        """The template it names, or nothing."""
        return self.said("template")

    @property
    def extends(self) -> str:
        """The experiment it extends, or nothing."""
        return self.said("extends")

    def said(self, key: str) -> str:
        """Give the text written for a key of the top, or nothing."""
        value = self.document.at((key,))
        return value if type(value) is str else ""


def read_experiment(text: Text, file: str) -> Draft:
    """Read an experiment.

    Args:
        text: The file's content.
        file: The name that mistakes carry.

    Raises:
        SpecError: It is not the YAML that is read. What it says is judged when it is sealed, all at once.
    """
    return drafted(read(text, file))


def read_experiment_mapping(mapping: Mapping[str, object], name: str = "experiment") -> Draft:
    """Read an experiment that was written in Python; mistakes carry paths instead of places.

    Raises:
        SpecError: It holds what YAML could not. What it says is judged when it is sealed, all at once.
    """
    return drafted(Document(name, read_mapping(mapping)))


def read_mapping(mapping: Mapping[str, object]) -> Value:
    """Take over a mapping that was written in Python.

    Raises:
        SpecError: It holds what YAML could not.
    """
    mistakes: list[Mistake] = []
    value = plain(mapping, (), mistakes, [0])
    if mistakes:
        raise SpecError(mistakes)
    return value


def read_definitions(text: Text, file: str) -> Written[Definitions]:
    """Read sources, metrics, segments and groups (metrics/*.yaml).

    Raises:
        SpecError: All mistakes.
    """
    return checked(Definitions, read(text, file), METRICS)


def read_project(text: Text, file: str) -> Written[Project]:
    """Read a project's settings (splitrun.yaml).

    Raises:
        SpecError: All mistakes.
    """
    return checked(Project, read(text, file), PROJECT)


def read_annotations(text: Text, file: str) -> Written[tuple[Annotation, ...]]:
    """Read known events (annotations.yaml).

    Raises:
        SpecError: All mistakes.
    """
    return checked(tuple[Annotation, ...], read(text, file))


def read_flags(text: Text, file: str) -> Written[Switchboard]:
    """Read flags, layers, holdouts, audiences and lists (flags/*.yaml).

    Raises:
        SpecError: All mistakes.
    """
    return checked(Switchboard, read(text, file))


def read(text: Text, file: str) -> Document:
    """Read YAML; what was read before stays as it is."""
    match text:
        case Document():
            return text
        case _:
            return document(text, file)


def drafted(written: Document) -> Draft:
    """Take a document as an experiment, if it has keys at all."""
    match written.value:
        case dict():
            return Draft(written)
        case _:
            says = "an experiment is a mapping of keys to values, and this is something else"
            raise SpecError([written.mistake((), says, "begin with `key: NAME`")])


def checked(kind: type[T], written: Document, rules: tuple[Rule, ...] = ()) -> Written[T]:
    """Read a document as a value of a type.

    Raises:
        SpecError: All mistakes.
    """
    wrong = found(kind, written, rules)
    if wrong:
        raise SpecError(in_order(wrong))
    return Written(TypeAdapter(kind).validate_python(written.value), written)


def found(kind: type[T], written: Document, rules: tuple[Rule, ...] = ()) -> Faults:
    """Find everything that keeps a document from being of a type."""
    early = unbuilt(written, rules)
    covered = [path for path, _ in early]
    try:
        TypeAdapter(kind).validate_python(written.value)
    except ValidationError as error:
        late = faults(error, kind, written)
        return early + [(path, mistake) for path, mistake in late if not inside(path, covered)]
    return early


def inside(path: Path, covered: list[Path]) -> bool:
    """Whether a path lies at or below one of some paths."""
    return any(path[: len(top)] == top for top in covered)


def in_order(wrong: Faults) -> list[Mistake]:
    """List mistakes in the order of the file."""
    return sorted(
        (mistake for _, mistake in wrong),
        key=lambda mistake: (mistake.place.line, mistake.place.column) if mistake.place else (0, 0),
    )


def plain(value: object, path: Path, mistakes: list[Mistake], count: list[int]) -> Value:
    """Copy a Python value into the plain values that YAML has, within the same limits."""
    count[0] += 1
    if count[0] > MAX_NODES or len(path) > MAX_DEPTH:
        says = f"more than {MAX_NODES:,} values, or more than {MAX_DEPTH} inside each other"
        raise SpecError([Mistake(says, "hand data over as frames", dotted(path[:4]))])
    match value:
        case Mapping():
            return {
                plain_key(key, path, mistakes): plain(
                    part, (*path, plain_key(key, path, [])), mistakes, count
                )
                for key, part in value.items()
            }
        case list() | tuple():
            return tuple(plain(part, (*path, index), mistakes, count) for index, part in enumerate(value))
        case _:
            return plain_scalar(value, path, mistakes)


def plain_key(key: object, path: Path, mistakes: list[Mistake]) -> Scalar:
    """Copy a key."""
    return plain_scalar(key, (*path, str(key)[:60]), mistakes)


def plain_scalar(value: object, path: Path, mistakes: list[Mistake]) -> Scalar:
    """Copy text, a number, true, false or nothing; refuse all else."""
    match value:
        case str():
            found = UNPRINTABLE.search(value)
            if found:
                says = f"character U+{ord(found[0]):04X} may not stand in a spec"
                mistakes.append(Mistake(says, "take it out", dotted(path)))
            return str(value)
        case float() if not isfinite(value):
            mistakes.append(Mistake(f"{value} is not a finite number", "write a finite number", dotted(path)))
            return None
        case None | bool() | int() | float():
            return value
        case _:
            says = f"a value of type {type(value).__name__} stands where text or a number belongs"
            mistakes.append(Mistake(says, "write plain values, as in YAML", dotted(path)))
            return None
