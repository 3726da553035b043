"""Where the committer finds the ruleset that an exposure names: the registry, else the project's files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from splitrun.assign.ruleset import Ruleset
from splitrun.assign.transmission import opened
from splitrun.collect.outcomes import Rulesets
from splitrun.conduct.registry.place import home
from splitrun.conduct.rulesets import ruleset_of
from splitrun.errors import SplitrunError

__all__ = ["published", "rulesets_of"]


def rulesets_of(root: Path) -> Callable[[str, str], Rulesets]:
    """Give, for a project and environment, what finds the ruleset of a version.

    Args:
        root: The project's folder.
    """

    def of(project: str, environment: str) -> Rulesets:
        def found(version: int) -> Ruleset | None:
            try:
                return published(root, project, environment, version) or written(root, environment, version)
            except SplitrunError:
                return None  # told as `unknown ruleset`; asked again with the next exposure

        return found

    return of


def published(root: Path, project: str, environment: str, version: int) -> Ruleset | None:
    """Read a ruleset that the registry published; none where there is none."""
    place = home(root)
    if not place.there:
        return None
    with place.registry() as registry:
        kept = registry.ruleset(project, environment, version)
        return None if kept is None else opened(kept.document)


def written(root: Path, environment: str, version: int) -> Ruleset | None:
    """Compile the ruleset of the files as they are; none where that is another version."""
    made = ruleset_of(root, environment)
    return made if made.version == version else None
