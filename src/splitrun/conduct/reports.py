"""Reports kept as files, each whole or not at all, never over what is not ours."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from splitrun.conduct.workspace import shown
from splitrun.errors import Mistake, Place, SpecError
from splitrun.judge.readout import Readout
from splitrun.report.markdown import MADE_BY as MARKDOWN
from splitrun.report.markdown import markdown
from splitrun.report.page import MADE_BY as PAGE
from splitrun.report.page import page

__all__ = ["Report", "keep", "reports", "sound"]

Told = TypeVar("Told")
"""What a report tells of."""

FAR = 4096
"""Bytes at the start of a file in which a report says that it is one of ours."""


@dataclass(frozen=True, slots=True)
class Report(Generic[Told]):
    """A file to be written, and how."""

    path: Path
    mark: bytes
    """Stands in a report of this form and in no other file; only such a file is written over."""
    written: Callable[[Told], str]


def reports(html: Path | None, as_markdown: Path | None) -> tuple[Report[Readout], ...]:
    """The reports that are asked for, looked at before any data is read.

    Raises:
        SpecError: One of them would take the place of another file, or has no folder to lie in.
    """
    asked = [(html, PAGE, page), (as_markdown, MARKDOWN, markdown)]
    wanted = [Report(path, mark.encode(), write) for path, mark, write in asked if path is not None]
    return sound(wanted)


def sound(wanted: Sequence[Report[Told]]) -> tuple[Report[Told], ...]:
    """Reports that can be written where they are wanted.

    Raises:
        SpecError: One of them would take the place of another file, or has no folder to lie in.
    """
    mistakes = [
        Mistake(says, "choose another name, or move what is there away", place=Place(shown(one.path), 1, 1))
        for one in wanted
        if (says := objection(one))
    ]
    if len({one.path.resolve() for one in wanted}) < len(wanted):
        same = Place(shown(wanted[0].path), 1, 1)
        mistakes.append(Mistake("two reports cannot be one file", "give each a name of its own", place=same))
    if mistakes:
        raise SpecError(mistakes)
    return tuple(wanted)


def objection(report: Report[Told]) -> str | None:
    """Why nothing can be written there; None where it can."""
    path = report.path
    try:
        if not path.parent.is_dir():
            return f"there is no folder {shown(path.parent)}, so no report was written"
        if not path.exists():
            return None
        if not path.is_file():
            return "this is no file, so no report was written"
        with path.open("rb") as file:
            ours = report.mark in file.read(FAR)
    except OSError as error:
        return f"the file cannot be read ({error.strerror}), so no report was written"
    return None if ours else "this file is there already and is no report of splitrun; nothing was written"


def keep(report: Report[Told], told: Told) -> str:
    """Write a report, whole or not at all.

    Returns:
        Its name as a person at the prompt would write it.

    Raises:
        SpecError: The folder cannot be written.
    """
    target = report.path.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            part.write_text(report.written(told), encoding="utf-8")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        says = f"no report can be written here ({error.strerror})"
        remedy = "choose a folder that can be written"
        raise SpecError([Mistake(says, remedy, place=Place(shown(report.path), 1, 1))]) from None
    return shown(report.path)
