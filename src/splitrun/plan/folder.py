"""A project's folder, read whole: settings, definitions and experiments, and everything wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TypeVar

from splitrun.errors import Mistake, SpecError
from splitrun.plan.compile import Publication, compiled
from splitrun.plan.library import Library, library
from splitrun.plan.question import is_timezone
from splitrun.plan.seal import sealed
from splitrun.plan.switches.board import Board, board
from splitrun.plan.templates.filling import templates
from splitrun.spec.flag import Switchboard
from splitrun.spec.policy import Kept, span
from splitrun.spec.project import Definitions, Project
from splitrun.spec.reading import (
    Draft,
    Text,
    read_annotations,
    read_definitions,
    read_experiment,
    read_flags,
    read_project,
)
from splitrun.spec.templates.pack import read_pack
from splitrun.spec.written.document import Written
from splitrun.spec.written.fields import suggested

__all__ = ["PLACES", "Folder", "folder", "lint", "switch_mistakes"]

T = TypeVar("T")

PLACES = (
    "splitrun.yaml",
    "metrics/*.yaml",
    "templates/*.yaml",
    "flags/*.yaml",
    "experiments/*.yaml",
    "annotations.yaml",
)
"""Where files stand in a project's folder."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What a project's files say; what could not be read is in the mistakes."""

    project: Project | None = None
    library: Library = field(default_factory=Library)
    experiments: Mapping[str, Draft] = field(default_factory=dict)
    """By key."""
    mistakes: tuple[Mistake, ...] = ()
    board: Board | None = None
    """What flags/*.yaml define; none where they could not be read."""
    partial: bool = False
    """Whether some experiment could not be read."""


def folder(texts: Mapping[str, Text]) -> Folder:
    """Read a project's files.

    Args:
        texts: The files' contents, or documents read before, by path from the project's folder, with slashes.

    Returns:
        What they say. Experiments are read but not yet resolved.
    """
    mistakes: list[Mistake] = []
    by_place = {place: sorted(name for name in texts if fnmatchcase(name, place)) for place in PLACES}
    settings, metrics, packs, flags, experiments, annotations = (
        [(name, texts[name]) for name in by_place[place]] for place in PLACES
    )
    projects = kept(read_project, settings, mistakes)
    files = kept(read_definitions, metrics, mistakes)
    known, wrong = templates(kept(read_pack, packs, mistakes))
    mistakes += wrong
    drafts = kept(read_experiment, experiments, mistakes)
    boards = kept(read_flags, flags, mistakes)
    kept(read_annotations, annotations, mistakes)
    shelf = replace(shelved(files, mistakes), templates=known)
    switches = switched(boards, mistakes) if len(boards) == len(flags) else None
    for settled in projects:
        mistakes += settings_mistakes(settled, shelf)
    project = projects[0].value if projects else None
    partial = len(drafts) < len(experiments)
    return Folder(project, shelf, by_key(drafts, mistakes), tuple(mistakes), switches, partial)


def lint(texts: Mapping[str, str | bytes]) -> tuple[Mistake, ...]:
    """Give everything that is wrong with a project's files.

    Args:
        texts: The files' contents, by path from the project's folder, with slashes.
    """
    whole = folder(texts)
    mistakes = list(whole.mistakes)
    for draft in whole.experiments.values():
        try:
            sealed(draft, whole.library, whole.project, whole.experiments, awaited=True)
        except SpecError as error:
            mistakes += error.mistakes
    mistakes += switch_mistakes(whole, texts)
    return tuple(dict.fromkeys(mistakes))


def switch_mistakes(whole: Folder, files: Mapping[str, str | bytes]) -> tuple[Mistake, ...]:
    """Find what keeps flags and experiments from becoming a ruleset; nothing where flags cannot be read.

    Args:
        whole: The project.
        files: Files of ids, by path from the project's folder.
    """
    if whole.board is None:
        return ()
    publication = Publication(files=files, partial=whole.partial)
    try:
        compiled(whole.project, whole.experiments, whole.board, whole.library, publication)
    except SpecError as error:
        return error.mistakes
    return ()


def kept(read: Callable[[Text, str], T], files: list[tuple[str, Text]], mistakes: list[Mistake]) -> list[T]:
    """Read files, noting the mistakes of those that cannot be read."""
    good: list[T] = []
    for name, text in files:
        try:
            good.append(read(text, name))
        except SpecError as error:
            mistakes += error.mistakes
    return good


def shelved(files: list[Written[Definitions]], mistakes: list[Mistake]) -> Library:
    """Gather the definitions, or note what does not fit together."""
    try:
        return library(files)
    except SpecError as error:
        mistakes += error.mistakes
        return Library()


def switched(files: list[Written[Switchboard]], mistakes: list[Mistake]) -> Board | None:
    """Gather flags and what divides units, or note what is there twice."""
    try:
        return board(files)
    except SpecError as error:
        mistakes += error.mistakes
        return None


def settings_mistakes(project: Written[Project], shelf: Library) -> list[Mistake]:
    """Find settings that name what is not there."""
    zone, wanted = project.value.timezone, project.value.policy.guardrails
    mistakes = []
    if zone is not None and not is_timezone(zone):
        says = f"there is no timezone {zone[:60]!r}"
        mistakes.append(
            project.document.mistake(("timezone",), says, "write an IANA name like Europe/Berlin")
        )
    for index, key in enumerate(wanted):
        if key not in shelf.metrics:
            path = ("policy", "guardrails", index)
            remedy = suggested(key, shelf.metrics)
            mistakes.append(project.document.mistake(path, f"there is no metric {key!r}", remedy))
    for index, key in enumerate(project.value.policy.units or ()):
        if project.value.units and key not in project.value.units:
            path, remedy = ("policy", "units", index), suggested(key, project.value.units)
            mistakes.append(project.document.mistake(path, f"there is no unit type {key!r}", remedy))
    for kept, most in project.value.policy.retention.items():
        mistakes += kept_too_long(project, kept, most)
    return mistakes


def kept_too_long(project: Written[Project], kept: Kept, most: str) -> list[Mistake]:
    """Find data that is kept longer than the policy allows."""
    retained = project.value.privacy.retention.get(kept)
    if retained is not None and span(retained) <= span(most):
        return []
    said = f"{kept} are kept for {retained}" if retained else f"nothing says how long {kept} are kept"
    says = f"{said}, and policy.retention allows {most} at most"
    path = ("privacy", "retention", kept) if retained else ("policy", "retention", kept)
    return [project.document.mistake(path, says, f"write privacy: {{retention: {{{kept}: {most}}}}} or less")]


def by_key(drafts: list[Draft], mistakes: list[Mistake]) -> dict[str, Draft]:
    """Put experiments under their keys; two may not share one."""
    known: dict[str, Draft] = {}
    for draft in drafts:
        if draft.key in known:
            says = f"{draft.key!r} is the key of {known[draft.key].document.file} already"
            mistakes.append(draft.document.mistake(("key",), says, "choose another key"))
        known.setdefault(draft.key, draft)
    return known
