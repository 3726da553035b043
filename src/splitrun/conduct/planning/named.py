"""An experiment as people name it: by its file, or by its key within a project."""

from __future__ import annotations

from pathlib import Path

from splitrun.conduct.workspace import workspace
from splitrun.errors import Mistake, SpecError
from splitrun.spec.written.fields import suggested

__all__ = ["file_of"]


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
    around = workspace(Path.cwd(), ("splitrun.yaml", "experiments/*.yaml"))
    known = around.says.experiments
    if named in known:
        return around.root / known[named].document.file
    says = f"{named!r} is no file, and no experiment here has that key"
    raise SpecError([Mistake(says, suggested(named, known) if known else "name an experiment's YAML file")])
