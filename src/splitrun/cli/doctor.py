"""`splitrun doctor`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json

__all__ = ["doctor"]


def doctor(*, json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False) -> None:
    """Look at this machine and say what would not work, and what to do about it."""
    found = verbs.doctor()
    if json:
        say_json({"form": "splitrun.doctor/1", "examinations": [asdict(one) for one in found]})
    else:
        wide = max(len(one.name) for one in found)
        say("\n".join(f"{'ok ' if one.fine else 'BAD'}  {one.name:<{wide}}  {one.says}" for one in found))
    if not all(one.fine for one in found):
        raise typer.Exit(1)
