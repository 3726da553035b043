"""Words that these verbs take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs

__all__ = ["File", "Type", "named"]

Type = Annotated[
    str | None,
    typer.Option("--type", metavar="TYPE", help="Of the unit; else the project's only one, or user."),
]
File = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="Further units, one id a line: all in one go."),
]


def named(units: list[str] | None, file: Path | None) -> list[str]:
    """Give the ids from the command line and those from a file."""
    return [*(units or ()), *(() if file is None else verbs.listed(file))]
