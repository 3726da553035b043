"""What `doctor` and the plan tell of a project's choices about people: ids, epochs, consent."""

from __future__ import annotations

import os
from pathlib import Path

from splitrun.conduct.desk import Desk
from splitrun.conduct.doctor import Examination
from splitrun.conduct.people.epochs import Standing, pseudonym_epochs
from splitrun.conduct.workspace import PROJECT, root_of, workspace
from splitrun.errors import StoreError
from splitrun.spec.project import Project
from splitrun.store.lake.pseudonyms import KEYS, every_epoch

__all__ = ["chosen"]

SAYS = {
    "pseudonym": "pseudonyms alone; no id is in the lake",
    "raw": "raw: the ids themselves stand in the lake beside pseudonyms, as `privacy.ids` says",
    "required": "required: events are kept only of units that are known to have granted",
    "not_required": "not required: events are kept unless the unit denied",
}


def chosen(place: Path, desk: Desk | None = None) -> tuple[Examination, ...]:
    """Tell what a project chose about people; nothing where there is no project.

    Raises:
        StoreError: The registry cannot be read.
    """
    root = root_of(place)
    project = None if root is None else workspace(root, (PROJECT, "metrics/*.yaml")).says.project
    if root is None or project is None:
        return ()
    keys = root / "state" / "keys" / "pseudonym"
    there = bool(os.environ.get(KEYS)) or any(keys.glob("*.key")) or any(keys.glob("*.check"))
    if not there:
        return settings(project)
    try:
        every_epoch(keys)
    except StoreError as error:
        return (*settings(project), Examination("pseudonyms", fine=False, says=str(error)))
    return (*settings(project), *epoch(pseudonym_epochs(root, desk)))


def settings(project: Project) -> tuple[Examination, ...]:
    """The choices of the settings."""
    of = project.privacy
    return (
        Examination("ids", fine=True, says=SAYS[of.ids]),
        Examination("consent", fine=True, says=SAYS[of.consent]),
    )


def epoch(found: tuple[Standing, ...]) -> tuple[Examination, ...]:
    """Which epoch leads, and which nobody needs any more."""
    (first,) = [one for one in found if one.leading]
    old = [one.epoch for one in found if one.epoch < first.epoch and not one.needed]
    says = f"epoch {first.epoch} leads, of {len(found)} whose keys are at hand"
    if old:
        says += (
            f"; no experiment needs {', '.join(map(str, old))}: `splitrun keys destroy-pseudonyms {old[0]}` "
            "cuts its rows off from their units for ever"
        )
    return (Examination("pseudonyms", fine=True, says=says),)
