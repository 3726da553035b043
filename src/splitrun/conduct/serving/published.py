"""Ask a project's registry for rulesets that are newer than those that are served."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from splitrun.conduct.registry.place import home
from splitrun.conduct.workspace import PROJECT, workspace
from splitrun.errors import Mistake, SpecError
from splitrun.spec.project import Project
from splitrun.store.registry.documents import KeptRuleset

__all__ = ["project_at", "published"]


def project_at(root: Path) -> Project:
    """Read the settings of a project's folder.

    Raises:
        SpecError: There is none, or they have mistakes.
    """
    around = workspace(root, (PROJECT,))
    if around.says.project is None:
        says = f"there is no {PROJECT} here or above"
        raise SpecError(
            around.says.mistakes
            or [Mistake(says, "go into a project's folder, or make one with `splitrun init`")]
        )
    return around.says.project


def published(root: Path) -> Callable[[Mapping[str, int]], Mapping[str, KeptRuleset]]:
    """Give what asks the registry of a project's folder.

    Raises:
        SpecError: There is no project.
    """
    settings = project_at(root)

    def newer(known: Mapping[str, int]) -> Mapping[str, KeptRuleset]:
        with home(root).registry() as registry:
            found = {name: registry.ruleset(settings.project, name) for name in settings.environments}
        return {
            name: kept
            for name, kept in found.items()
            if kept is not None and kept.version > known.get(name, 0)
        }

    return newer
