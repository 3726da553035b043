"""Definitions written back from the registry as the files of a project."""

from __future__ import annotations

from pathlib import Path

from splitrun.conduct.definitions.comparing import reading
from splitrun.conduct.definitions.kept import bodies
from splitrun.conduct.definitions.paper import papers
from splitrun.conduct.desk import Desk
from splitrun.conduct.registry.place import home
from splitrun.conduct.workspace import shown, workspace
from splitrun.errors import Mistake, Place, SpecError
from splitrun.plan.folder import PLACES

__all__ = ["export"]


def export(
    into: Path, place: Path, *, project: str | None = None, force: bool = False, desk: Desk | None = None
) -> tuple[str, ...]:
    """Write what the registry keeps of a project as files, in the layout of a project.

    Lists are written as the salted hashes that are kept of them. Where the registry is stands in no
    definition: write `registry:` into splitrun.yaml, or set SPLITRUN_REGISTRY.

    Args:
        into: The folder to write to.
        place: A folder of the project whose registry is read.
        project: Which project of the registry; none: the one that the place belongs to.
        force: Write over files of the same names.
        desk: Whom to tell how far it is.

    Returns:
        The names of the files written.

    Raises:
        SpecError: The registry keeps nothing of the project, files are there already, or the folder cannot be
            written; nothing was written.
        StoreError: The database refuses.
    """
    table = desk or Desk()
    table.progress("reading the registry")
    around = home(place)
    settings = workspace(place, ("splitrun.yaml",)).says.project
    name = project or ("" if settings is None else settings.project)
    with reading(around) as registry:
        found, known = bodies(registry, name), registry.projects()
    if not found:
        listed = f"it keeps {', '.join(known)}" if known else "nothing was applied to it yet"
        says = f"the registry keeps nothing of {name!r}"
        raise SpecError([Mistake(says, f"{listed}; see `splitrun diff`")])
    texts = papers(found)
    clear(into, texts, force=force)
    return tuple(sorted(kept(into, texts)))


def clear(into: Path, texts: dict[str, str], *, force: bool) -> None:
    """Refuse to write where files are.

    Raises:
        SpecError: A file is there already, or one that would define the same things twice.
    """
    there = [into / name for name in texts if (into / name).exists()] if not force else []
    others = [
        path
        for pattern in PLACES
        for path in sorted(into.glob(pattern))
        if path.relative_to(into).as_posix() not in texts
    ]
    mistakes = [
        Mistake("this file is there already; nothing was written", remedy, place=Place(shown(path), 1, 1))
        for paths, remedy in (
            (there, "choose another folder, or write over it with --force"),
            (others, "it would define things twice; choose another folder, or move it away"),
        )
        for path in paths
    ]
    if mistakes:
        raise SpecError(mistakes)


def kept(into: Path, texts: dict[str, str]) -> list[str]:
    """Write files, each whole or not at all.

    Raises:
        SpecError: The folder cannot be written.
    """
    names = []
    try:
        for name, text in texts.items():
            path = into / name
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.part")
            part.write_text(text, encoding="utf-8")
            part.replace(path)
            names.append(shown(path))
    except OSError as error:
        says = f"nothing can be written here ({error.strerror})"
        remedy = "choose a folder that can be written"
        raise SpecError([Mistake(says, remedy, place=Place(shown(into), 1, 1))]) from None
    return names
