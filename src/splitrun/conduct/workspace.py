"""The files around an experiment: found on disk, read within limits, and brought together as a project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from splitrun.errors import Mistake, Place, SpecError
from splitrun.plan.folder import PLACES, Folder, folder

__all__ = ["PROJECT", "Workspace", "contents", "root_of", "shown", "workspace"]

PROJECT = "splitrun.yaml"
LARGEST = 250_000
"""Bytes; a larger file is refused by its size, before it is read."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project on disk; without a project file, just the folder that a lone experiment lies in."""

    root: Path
    says: Folder = field(default_factory=Folder)
    files: tuple[Path, ...] = ()
    """Every file that was read."""

    def placed(self, mistake: Mistake) -> Mistake:
        """A mistake in one of the files, with the file named from where the person stands."""
        place = mistake.place
        if place is None or not (self.root / place.file).is_file():
            return mistake
        return replace(mistake, place=replace(place, file=shown(self.root / place.file)))


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
    top = Place(shown(path), 1, 1)
    try:
        if not path.is_file():
            says = "this is a folder, not a file" if path.is_dir() else "there is no such file"
            raise SpecError([Mistake(says, "name an experiment's YAML file", place=top)])
        size = path.stat().st_size
        if size > LARGEST:
            says = f"the file has {size:,} bytes; at most {LARGEST:,} are read"
            raise SpecError([Mistake(says, "keep data in CSV or Parquet and name it here", place=top)])
        return path.read_bytes()
    except OSError as error:
        says = f"the file cannot be read ({error.strerror})"
        raise SpecError([Mistake(says, "check its name and permissions", place=top)]) from None


def root_of(place: Path) -> Path | None:
    """The nearest folder at or above a place that holds a project file."""
    start = place.resolve()
    return next((above for above in (start, *start.parents) if (above / PROJECT).is_file()), None)


def workspace(place: Path, places: Sequence[str] = PLACES) -> Workspace:
    """Read the project that a place belongs to; where there is none, the place stands alone.

    Args:
        place: A folder of the project, or any folder.
        places: Which of the project's files to read, as patterns from its folder.
    """
    root = root_of(place)
    if root is None:
        return Workspace(root=place.resolve())
    paths = [path for pattern in places for path in sorted(root.glob(pattern))]
    texts: dict[str, str | bytes] = {}
    mistakes: list[Mistake] = []
    for path in paths:
        try:
            texts[path.relative_to(root).as_posix()] = contents(path)
        except SpecError as error:
            mistakes += error.mistakes
    read = folder(texts)
    whole = Workspace(root, read, tuple(paths))
    mistakes += [whole.placed(mistake) for mistake in read.mistakes]
    return replace(whole, says=replace(read, mistakes=tuple(mistakes)))
