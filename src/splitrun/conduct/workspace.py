"""The files around an experiment: found on disk, read within limits, and brought together as a project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from splitrun.errors import Mistake, Place, SpecError
from splitrun.plan.folder import PLACES, Folder, folder
from splitrun.plan.switches.lists import paths as files_of_ids

__all__ = ["PROJECT", "Workspace", "contents", "root_of", "shown", "workspace"]

PROJECT = "splitrun.yaml"
LARGEST = 250_000
"""Bytes; a larger file is refused by its size, before it is read."""
LARGEST_LIST = 2_500_000
"""Bytes of a file of ids."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project on disk; without a project file, just the folder that a lone experiment lies in."""

    root: Path
    says: Folder = field(default_factory=Folder)
    files: tuple[Path, ...] = ()
    """Every file that was read."""
    ids: Mapping[str, bytes] = field(default_factory=dict)
    """Files of ids that lists name, by path from the root."""

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


def contents(path: Path, largest: int = LARGEST) -> bytes:
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
        if size > largest:
            says = f"the file has {size:,} bytes; at most {largest:,} are read"
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
    ids = ids_of(root, () if read.board is None else files_of_ids(read.board), mistakes)
    whole = Workspace(root, read, (*paths, *(root / name for name in ids)), ids)
    mistakes += [whole.placed(mistake) for mistake in read.mistakes]
    partial = read.partial or len(texts) < len(paths)
    return replace(whole, says=replace(read, mistakes=tuple(mistakes), partial=partial))


def ids_of(root: Path, names: Sequence[str], mistakes: list[Mistake]) -> dict[str, bytes]:
    """Read the files of ids that lie in a project; a name or link that leads out of it is not read."""
    known: dict[str, bytes] = {}
    for name in names:
        path = root / name
        if "\x00" in name or not path.resolve().is_relative_to(root.resolve()) or not path.is_file():
            continue
        try:
            known[name] = contents(path, LARGEST_LIST)
        except SpecError as error:
            mistakes += error.mistakes
    return known
