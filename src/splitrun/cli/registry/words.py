"""Words that several of these verbs take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Actor", "Folder", "Json", "Reason"]

Actor = Annotated[
    str | None,
    typer.Option(
        "--actor", metavar="NAME", help="Who does it; else SPLITRUN_ACTOR, else the name at the login."
    ),
]
Folder = Annotated[Path, typer.Option("--folder", metavar="FOLDER", help="A folder of the project.")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the audit chain.")]
