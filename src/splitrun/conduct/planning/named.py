"""An experiment as people name it: by its file, or by its key within a project."""

from __future__ import annotations

from pathlib import Path

from splitrun.conduct.workspace import workspace
from splitrun.errors import Mistake, SpecError
from splitrun.spec.written.fields import suggested

__all__ = ["file_in", "file_of"]


def file_of(named: str) -> Path:
    """The file of an experiment.

    Args:
        named: A path, or the key of an experiment of the project around the current folder.

    Raises:
        SpecError: There is no such file, and no experiment of that key.
    """
    path = Path(named)
    if path.is_file() or path.suffix in {".yaml", ".yml"}:
        return path
    return file_in(Path.cwd(), named, f"{named!r} is no file, and no experiment here has that key")


def file_in(place: Path, key: str, says: str) -> Path:
    """The file of an experiment by its key alone, which is never taken for a path.

    Args:
        place: A folder of its project.
        key: The experiment's.
        says: What is told where there is none.

    Raises:
        SpecError: No experiment of the project has that key.
    """
    around = workspace(place, ("splitrun.yaml", "experiments/*.yaml"))
    known = around.says.experiments
    if key in known:
        return around.root / known[key].document.file
    raise SpecError([Mistake(says, suggested(key, known) if known else "name an experiment's YAML file")])
