"""Rulesets out of projects and files: compiled, read, and kept as the file that clients take."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from splitrun.assign.ruleset import Ruleset
from splitrun.assign.transmission import LONGEST, enveloped, opened, sealed
from splitrun.conduct.lint import lint
from splitrun.conduct.workspace import shown, workspace
from splitrun.errors import Mistake, Place, RulesetError, SpecError
from splitrun.plan.compile import Publication, Standing, compiled
from splitrun.plan.succession import succeeding
from splitrun.plan.switches.board import Board

__all__ = ["Published", "publish", "ruleset_at", "ruleset_of"]


@dataclass(frozen=True, slots=True)
class Published:
    """A ruleset as clients take it."""

    ruleset: Ruleset
    document: bytes
    digest: str
    """`sha256:` of the body."""
    file: str | None = None
    """Where it was written, from where the person stands."""
    new: bool = True
    """False where the file held the same already."""


def ruleset_of(place: Path, environment: str | None = None, *, idle: bool = False) -> Ruleset:
    """Compile the project that a folder belongs to.

    Args:
        place: A folder of the project.
        environment: One of the project's; none: the first.
        idle: Whether none of its experiments runs.

    Raises:
        SpecError: Anything is wrong with the project; all mistakes.
    """
    lint([place])
    around = workspace(place)
    standing: dict[str, Standing] | None = {} if idle else None
    says = around.says
    publication = Publication(environment=environment, files=around.ids, standing=standing)
    # flags that cannot be read have been told by `lint`
    return compiled(says.project, says.experiments, says.board or Board(), says.library, publication)


def ruleset_at(place: Path, environment: str | None = None) -> Ruleset:
    """Read a ruleset's file, or compile the project of a folder.

    Raises:
        SpecError: There is no such file, or the project has mistakes.
        RulesetError: The file is no ruleset.
    """
    try:
        folder = place.is_dir()
    except OSError:
        folder = False  # what is wrong with the name is told when it is read
    return ruleset_of(place, environment) if folder else opened(document_of(place))


def document_of(path: Path) -> bytes:
    """Read a file within the limits of rulesets.

    Raises:
        SpecError: It is not there, or cannot be read.
    """
    top = Place(shown(path), 1, 1)
    remedy = "name a file that `splitrun ruleset --out` wrote, or a project's folder"
    try:
        with path.open("rb") as file:
            return file.read(LONGEST + 1)
    except FileNotFoundError:
        raise SpecError([Mistake("there is no such file", remedy, place=top)]) from None
    except OSError as error:
        says = f"the file cannot be read ({error.strerror})"
        raise SpecError([Mistake(says, remedy, place=top)]) from None


def publish(place: Path, environment: str | None = None, out: Path | None = None) -> Published:
    """Compile a project; with a file, count on from the ruleset that is in it.

    Args:
        place: A folder of the project.
        environment: One of the project's; none: the first.
        out: Where to write; a ruleset that is there is followed, any other file is left alone.

    Raises:
        SpecError: The project has mistakes, units would be moved, or nothing can be written there.
    """
    made = ruleset_of(place, environment)
    before = None if out is None else predecessor(out)
    numbered = made if before is None else succeeding(made, before)
    document = sealed(numbered)
    new = numbered is not before
    if out is not None and new:
        written(out, document)
    digest = enveloped(document).digest
    return Published(numbered, document, digest, None if out is None else shown(out), new)


def predecessor(out: Path) -> Ruleset | None:
    """Read the ruleset that a file holds already; none where there is no file.

    Raises:
        SpecError: There is a file, and it is no ruleset.
    """
    if not out.exists():
        return None
    try:
        return opened(document_of(out))
    except RulesetError as error:
        says = f"this file is there already and is no ruleset ({error}); nothing was written"
        remedy = "choose another name, or move what is there away"
        raise SpecError([Mistake(says, remedy, place=Place(shown(out), 1, 1))]) from None


def written(out: Path, document: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        SpecError: The folder cannot be written.
    """
    target = out.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            part.write_bytes(document)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        says = f"no ruleset can be written here ({error.strerror})"
        remedy = "choose a folder that is there and can be written"
        raise SpecError([Mistake(says, remedy, place=Place(shown(out), 1, 1))]) from None
