"""Check files or a whole project, and tell every mistake at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from splitrun.conduct.workspace import PROJECT, Gathered, Workspace, contents, shown, workspace
from splitrun.errors import Mistake, Place, SpecError
from splitrun.plan.seal import sealed
from splitrun.spec.reading import read_experiment

__all__ = ["lint"]


def lint(paths: Sequence[Path]) -> tuple[str, ...]:
    """Check experiments, or every file of the projects whose folders are named.

    Args:
        paths: Experiment files and project folders; none: the project around the current folder.

    Returns:
        The names of the files that were checked.

    Raises:
        SpecError: All mistakes.
    """
    gathered = Gathered()
    checked: list[Path] = []
    for path in paths or [Path.cwd()]:
        with gathered.mistakes_of():
            checked += project(path, gathered) if path.is_dir() else experiment(path)
    gathered.mistakes = list(dict.fromkeys(gathered.mistakes))
    gathered.tell()
    return tuple(dict.fromkeys(shown(path) for path in checked))


def project(folder: Path, gathered: Gathered) -> list[Path]:
    """Check every file of a project."""
    around = workspace(folder)
    if around.project is None:
        says = f"there is no {PROJECT} here or above"
        remedy = "name an experiment's file, or make a project with `splitrun init`"
        raise SpecError([Mistake(says, remedy, place=Place(shown(folder), 1, 1))])
    for draft in around.experiments.values():
        with gathered.mistakes_of():
            sealed(draft, around.library, around.project, around.experiments)
    return list(around.files)


def experiment(path: Path) -> list[Path]:
    """Check one experiment's file, with the project around it where there is one."""
    draft = read_experiment(contents(path), shown(path))
    around: Workspace = workspace(path.resolve().parent, experiments=bool(draft.extends))
    sealed(draft, around.library, around.project, around.experiments)
    return [path]
