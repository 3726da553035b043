"""Resolve one experiment, in its project or alone, into the plan that a readout is held to."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from splitrun.conduct.workspace import Workspace, contents, shown, workspace
from splitrun.errors import Mistake, SpecError
from splitrun.plan.folder import PLACES
from splitrun.plan.seal import sealed
from splitrun.spec.plan import Plan
from splitrun.spec.reading import Draft, read_experiment, read_experiment_mapping

__all__ = ["Written", "folders_of", "plan_of", "surroundings"]

Written = str | PathLike[str] | Mapping[str, object]
"""An experiment's file, or the same as a mapping."""

OTHERS = "experiments/*.yaml"


def plan_of(experiment: Written, *, awaited: bool = False) -> Plan:
    """Resolve an experiment with what the project around it defines.

    Other experiments of the project are read only if it extends one.

    Args:
        experiment: Its file, or the same as a mapping.
        awaited: Whether an experiment on a flag may name no exposures yet.

    Raises:
        SpecError: All mistakes.
    """
    match experiment:
        case Mapping():
            return sealed(read_experiment_mapping(experiment), awaited=awaited)
        case str() | PathLike():
            return plan_at(Path(experiment), awaited=awaited)
        case other:
            says = f"{other!r:.60} is no experiment"
            raise SpecError([Mistake(says, "hand over the path of an experiment's file, or a mapping")])


def plan_at(path: Path, *, awaited: bool) -> Plan:
    """Resolve the experiment of one file.

    Raises:
        SpecError: All mistakes.
    """
    draft = read_experiment(contents(path), shown(path))
    around = surroundings(path, draft)
    try:
        says = around.says
        return sealed(draft, says.library, says.project, says.experiments, awaited=awaited)
    except SpecError as error:
        raise SpecError([around.placed(mistake) for mistake in error.mistakes]) from None


def surroundings(path: Path, draft: Draft) -> Workspace:
    """Read what an experiment needs of the project around its file.

    Raises:
        SpecError: The project's files hold mistakes.
    """
    wanted = [place for place in PLACES if place != OTHERS or draft.extends]
    around = workspace(path.resolve().parent, wanted)
    if around.says.mistakes:
        raise SpecError(around.says.mistakes)
    return around


def folders_of(experiment: Written) -> tuple[Path, ...]:
    """The folders that an experiment's paths start from: its project's, then its own; else the current."""
    if isinstance(experiment, Mapping):
        return (Path.cwd(),)
    own = Path(experiment).resolve().parent
    return tuple(dict.fromkeys((workspace(own, ()).root, own)))
