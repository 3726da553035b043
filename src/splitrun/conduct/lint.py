"""Check files or a whole project, and tell every mistake at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from splitrun.conduct.experiment import plan_of
from splitrun.conduct.queries import refused
from splitrun.conduct.workspace import PROJECT, contents, shown, workspace
from splitrun.errors import Mistake, Place, SpecError
from splitrun.plan.folder import switch_mistakes
from splitrun.plan.library import Library
from splitrun.plan.seal import sealed
from splitrun.spec.reading import read_experiment

__all__ = ["lint"]

DEFINITIONS = "metrics/*.yaml"


def lint(paths: Sequence[Path]) -> tuple[str, ...]:
    """Check experiments, or every file of the projects whose folders are named.

    Args:
        paths: Experiment files and project folders; none: the project around the current folder.

    Returns:
        The names of the files that were checked.

    Raises:
        SpecError: All mistakes of all of them.
    """
    checked: list[Path] = []
    mistakes: list[Mistake] = []
    for path in paths or [Path.cwd()]:
        try:
            checked += project(path) if path.is_dir() else experiment(path)
        except SpecError as error:
            mistakes += error.mistakes
    if mistakes:
        raise SpecError(list(dict.fromkeys(mistakes)))
    return tuple(dict.fromkeys(shown(path) for path in checked))


def project(place: Path) -> tuple[Path, ...]:
    """Check every file of a project."""
    around = workspace(place)
    if not around.files:
        says = f"there is no {PROJECT} here or above"
        remedy = "name an experiment's file, or make a project with `splitrun init`"
        raise SpecError([Mistake(says, remedy, place=Place(shown(place), 1, 1))])
    mistakes = list(around.says.mistakes)
    for draft in around.says.experiments.values():
        try:
            sealed(draft, around.says.library, around.says.project, around.says.experiments, awaited=True)
        except SpecError as error:
            mistakes += [around.placed(mistake) for mistake in error.mistakes]
    mistakes += [around.placed(mistake) for mistake in switch_mistakes(around.says, around.ids)]
    drafts = around.says.experiments.values()
    mistakes += [around.placed(mistake) for mistake in refused(drafts, around.says.library)]
    if mistakes:
        raise SpecError(mistakes)
    return around.files


def experiment(path: Path) -> tuple[Path, ...]:
    """Check one experiment's file, with the project around it where there is one."""
    around = workspace(path.resolve().parent, (DEFINITIONS,))
    mistakes = list(refused([read_experiment(contents(path), shown(path))], Library()))
    mistakes += [around.placed(mistake) for mistake in refused((), around.says.library)]
    try:
        plan_of(path, awaited=True)
    except SpecError as error:
        mistakes = [*error.mistakes, *mistakes]
    if mistakes:
        raise SpecError(mistakes)
    return (path,)
