"""The settings of a project's folder."""

from __future__ import annotations

from pathlib import Path

from splitrun.conduct.workspace import PROJECT, workspace
from splitrun.errors import Mistake, SpecError
from splitrun.spec.project import Project

__all__ = ["project_at"]


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
