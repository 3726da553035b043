"""The files around an experiment: found on disk, read within limits, and brought together as a project."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from splitrun.errors import Mistake, Place, SpecError
from splitrun.plan.library import Library, library
from splitrun.spec.project import Project
from splitrun.spec.reading import (
    Draft,
    read_annotations,
    read_definitions,
    read_experiment,
    read_flags,
    read_project,
)

__all__ = ["PROJECT", "Gathered", "Workspace", "contents", "shown", "workspace"]

PROJECT = "splitrun.yaml"
LARGEST = 1_000_000
"""Bytes; a larger file is refused by its size, before it is read."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project on disk; without a project file, just the folder that a lone experiment lies in."""

    root: Path
    project: Project | None = None
    library: Library = field(default_factory=Library)
    experiments: Mapping[str, Draft] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    """Every file that was read."""


@dataclass(slots=True)
class Gathered:
    """Mistakes of several files, told together."""

    mistakes: list[Mistake] = field(default_factory=list)

    @contextmanager
    def mistakes_of(self) -> Iterator[None]:
        """Go on after the mistakes of one file."""
        try:
            yield
        except SpecError as error:
            self.mistakes += error.mistakes

    def tell(self) -> None:
        """Raise what was gathered.

        Raises:
            SpecError: There was something.
        """
        if self.mistakes:
            raise SpecError(self.mistakes)


def shown(path: Path) -> str:
    """A path as a person at the prompt would write it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def contents(path: Path) -> bytes:
    """Read a file of settings.

    Raises:
        SpecError: It is not there, is no file, is too large or may not be read.
    """
    name = shown(path)
    try:
        size = path.stat().st_size if path.is_file() else None
        if size is None:
            says = "is a folder, not a file" if path.is_dir() else "there is no such file"
            raise SpecError([Mistake(says, "name an experiment's YAML file", place=Place(name, 1, 1))])
        if size > LARGEST:
            says = f"the file has {size:,} bytes; at most {LARGEST:,} are read"
            raise SpecError([Mistake(says, "keep data in CSV or Parquet and name it here", place=Place(name, 1, 1))])
        return path.read_bytes()
    except OSError as error:
        says = f"cannot be read ({error.strerror})"
        raise SpecError([Mistake(says, "check its permissions", place=Place(name, 1, 1))]) from None


def root_of(place: Path) -> Path | None:
    """The nearest folder at or above a place that holds a project file."""
    start = place.resolve()
    return next((folder for folder in (start, *start.parents) if (folder / PROJECT).is_file()), None)


def workspace(place: Path, *, experiments: bool = True) -> Workspace:
    """Read the project that a place belongs to; where there is none, the place stands alone.

    Args:
        place: A folder of the project, or any folder.
        experiments: Whether to read the project's experiments as well.

    Raises:
        SpecError: All mistakes of all its files.
    """
    root = root_of(place)
    if root is None:
        return Workspace(root=place.resolve())
    gathered = Gathered()
    project = read(gathered, read_project, [root / PROJECT])
    definitions = read(gathered, read_definitions, found(root, "metrics"))
    drafts = read(gathered, read_experiment, found(root, "experiments") if experiments else [])
    read(gathered, read_flags, found(root, "flags"))
    read(gathered, read_annotations, [path for path in [root / "annotations.yaml"] if path.is_file()])
    shelf = Library()
    with gathered.mistakes_of():
        shelf = library(definitions.values())
    gathered.mistakes += twins(drafts)
    gathered.tell()
    return Workspace(
        root=root,
        project=next(iter(project.values())).value,
        library=shelf,
        experiments={draft.key: draft for draft in drafts.values()},
        files=(root / PROJECT, *definitions, *drafts),
    )


def found(root: Path, folder: str) -> list[Path]:
    """The YAML files of a folder of the project, by name."""
    return sorted(path for path in (root / folder).glob("*.y*ml") if path.suffix in {".yaml", ".yml"})


def read(
    gathered: Gathered, reader: Callable[[bytes, str], T], paths: Sequence[Path]
) -> dict[Path, T]:
    """Read files one after another, gathering mistakes."""
    values = {}
    for path in paths:
        with gathered.mistakes_of():
            values[path] = reader(contents(path), shown(path))
    return values


def twins(drafts: Mapping[Path, Draft]) -> list[Mistake]:
    """Find experiments that have the key of another."""
    homes: dict[str, Path] = {}
    mistakes = []
    for path, draft in drafts.items():
        if draft.key in homes:
            says = f"there is an experiment {draft.key!r} in {shown(homes[draft.key])} already"
            mistakes.append(draft.document.mistake(("key",), says, "give each a key of its own"))
        homes.setdefault(draft.key, path)
    return mistakes
