"""Check files or a whole project, and tell every mistake at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from splitrun.conduct.experiment import surroundings
from splitrun.conduct.queries import refused
from splitrun.conduct.workspace import PROJECT, contents, shown, workspace
from splitrun.errors import Mistake, Place, SpecError
from splitrun.govern.data.mapped import unpoliced
from splitrun.govern.policy.rules import idle, refusals
from splitrun.plan.folder import Folder, switch_mistakes
from splitrun.plan.library import Library
from splitrun.plan.seal import resolved, sealed
from splitrun.plan.switches.experiments import cut_by
from splitrun.spec.plan import Plan
from splitrun.spec.reading import Draft, read_experiment, read_project

__all__ = ["Linted", "lint"]

DEFINITIONS = "metrics/*.yaml"


class Linted(NamedTuple):
    """What was checked, and what is to be minded though nothing is wrong."""

    files: tuple[str, ...]
    """The names of the files."""
    notes: tuple[str, ...] = ()


def lint(paths: Sequence[Path]) -> Linted:
    """Check experiments, or every file of the projects whose folders are named.

    Args:
        paths: Experiment files and project folders; none: the project around the current folder.

    Returns:
        What was checked.

    Raises:
        SpecError: All mistakes of all of them, with the rules of their projects that experiments do not keep.
    """
    checked: list[Path] = []
    notes: list[str] = []
    mistakes: list[Mistake] = []
    for path in paths or [Path.cwd()]:
        try:
            files, more = project(path) if path.is_dir() else experiment(path)
            checked += files
            notes += more
        except SpecError as error:
            mistakes += error.mistakes
    if mistakes:
        raise SpecError(list(dict.fromkeys(mistakes)))
    return Linted(tuple(dict.fromkeys(shown(path) for path in checked)), tuple(dict.fromkeys(notes)))


def project(place: Path) -> tuple[tuple[Path, ...], list[str]]:
    """Check every file of a project."""
    around = workspace(place)
    if not around.files:
        says = f"there is no {PROJECT} here or above"
        remedy = "name an experiment's file, or make a project with `splitrun init`"
        raise SpecError([Mistake(says, remedy, place=Place(shown(place), 1, 1))])
    mistakes, notes, plans = list(around.says.mistakes), list[str](), list[Plan]()
    for draft in around.says.experiments.values():
        try:
            plan, more = judged(draft, around.says)
            plans.append(plan)
            notes += more
        except SpecError as error:
            mistakes += [around.placed(mistake) for mistake in error.mistakes]
    mistakes += [around.placed(mistake) for mistake in switch_mistakes(around.says, around.ids)]
    drafts = around.says.experiments.values()
    mistakes += [around.placed(mistake) for mistake in refused(drafts, around.says.library)]
    if around.says.project is not None:
        mistakes += fields_without_policy(around.root, plans)
    if mistakes:
        raise SpecError(mistakes)
    return around.files, notes


def judged(draft: Draft, says: Folder) -> tuple[Plan, list[str]]:
    """Resolve an experiment, and hold it against the rules of its project.

    Returns:
        The plan, and what is to be minded: waivers that waive nothing.

    Raises:
        SpecError: All mistakes, or every rule that is not kept.
    """
    plan = sealed(draft, says.library, says.project, says.experiments, awaited=True)
    broken = refusals(plan, says.project, resolved(draft, says.experiments, says.library).document)
    if broken:
        raise SpecError(broken)
    return plan, [f"{draft.document.file}: {note}" for note in idle(plan, says.project)]


def experiment(path: Path) -> tuple[tuple[Path, ...], list[str]]:
    """Check one experiment's file, with the project around it where there is one."""
    around = workspace(path.resolve().parent, (DEFINITIONS,))
    draft = read_experiment(contents(path), shown(path))
    mistakes = list(refused([draft], Library()))
    mistakes += [around.placed(mistake) for mistake in refused((), around.says.library)]
    notes: list[str] = []
    try:
        says = surroundings(path, draft)
        _, notes = judged(draft, says.says)
    except SpecError as error:
        mistakes = [*(around.placed(mistake) for mistake in error.mistakes), *mistakes]
    if mistakes:
        raise SpecError(mistakes)
    return (path,), notes


def fields_without_policy(root: Path, plans: Iterable[Plan]) -> tuple[Mistake, ...]:
    """Object to fields of a project that have no policy (rule `data_policy`).

    Args:
        root: The project's folder.
        plans: Of its experiments.
    """
    written = read_project(contents(root / PROJECT), shown(root / PROJECT))
    return tuple(unpoliced(written.value, written.document, attributes(plans)))


def attributes(plans: Iterable[Plan]) -> Mapping[str, str]:
    """Name the attributes that experiments on flags are cut by, each with the first of them."""
    found: dict[str, str] = {}
    for plan in plans:
        if plan.delivery.flag is not None:
            for one in plan.segments:
                for name in cut_by(one.segment):
                    found.setdefault(name, plan.key)
    return found
