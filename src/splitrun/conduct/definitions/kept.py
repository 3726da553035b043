"""The definitions of a project as its files write them, and as the registry keeps them."""

from __future__ import annotations

from pathlib import Path

from splitrun.conduct.definitions.shelves import ANNOTATIONS, Bodies, Name, apart, together
from splitrun.conduct.workspace import PROJECT, contents, workspace
from splitrun.errors import Mistake, Place, SpecError, StoreError
from splitrun.plan.folder import Folder, folder, switch_mistakes
from splitrun.spec.written.text import document
from splitrun.store.registry.documents import Kind
from splitrun.store.registry.registry import Registry

__all__ = ["bodies", "kept", "written"]


def kept(registry: Registry, project: str) -> Folder:
    """Read the definitions that a registry keeps of a project, as if from its files.

    Args:
        registry: Where they are kept.
        project: The project's name.

    Returns:
        The same value as reading the files gives that were applied; lists hold hashes instead of ids. What it
        holds of a project that nobody applied is empty.

    Raises:
        StoreError: What is kept is no JSON.
    """
    return opened(bodies(registry, project))


def bodies(registry: Registry, project: str) -> dict[Name, str]:
    """Give the canonical JSON of each definition that a registry keeps of a project, by kind and key."""
    return {(one.kind, one.key): one.body for one in registry.documents(project)}


def opened(known: Bodies) -> Folder:
    """Read definitions out of their bodies.

    Raises:
        StoreError: One is no JSON.
    """
    try:
        return folder(together(known))
    except (ValueError, TypeError) as error:
        raise StoreError(
            f"a definition that is kept cannot be read ({error}); run `splitrun audit verify`, then restore "
            "a backup"
        ) from error


def written(place: Path) -> dict[tuple[Kind, str], str]:
    """Read what the files of a project define, as a registry would keep it.

    Args:
        place: A folder of the project.

    Returns:
        The canonical JSON of each definition as it is written, not resolved, by kind and key. Lists hold
        salted hashes instead of ids; where the registry is does not enter.

    Raises:
        SpecError: There is no project, or its files have mistakes; all of them.
    """
    around = workspace(place)
    if not around.files:
        says = "there is no splitrun.yaml here or above"
        remedy = "go into a project's folder, or make one with `splitrun init`"
        raise SpecError([Mistake(says, remedy, place=Place(PROJECT, 1, 1))])
    mistakes = [*around.says.mistakes, *map(around.placed, switch_mistakes(around.says, around.ids))]
    if mistakes:
        raise SpecError(list(dict.fromkeys(mistakes)))
    settings = document(contents(around.root / PROJECT), PROJECT)
    events = around.root / ANNOTATIONS
    known = document(contents(events), ANNOTATIONS) if events in around.files else None
    return apart(around.says, settings, known, around.ids)
