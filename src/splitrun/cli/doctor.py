"""`splitrun doctor`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.cli.registry.words import Folder, Json

__all__ = ["doctor"]


def doctor(*, folder: Folder = Path(), json: Json = False) -> None:
    """Look at this machine and at what a project collects, say what is wrong and what to do about it."""
    collected = verbs.quality(folder)
    served = verbs.rulesets_examined(folder, verbs.Desk().now())
    found = (*verbs.doctor(), *served, *(() if collected is None else verbs.examined(collected)))
    if json:
        told = {"form": "splitrun.doctor/1", "examinations": [asdict(one) for one in found]}
        say_json(told if collected is None else {**told, "quality": verbs.quality_as_json(collected)})
    else:
        wide = max(len(one.name) for one in found)
        say("\n".join(f"{'ok ' if one.fine else 'BAD'}  {one.name:<{wide}}  {one.says}" for one in found))
        for one in () if collected is None else collected.warnings:
            span = f"{one.first:%Y-%m-%d %H:%M} to {one.last:%Y-%m-%d %H:%M} UTC"
            say(f"\nwarning: {one.events:,} {one.kind} in {one.environment}, {span}")
            say(f"  {one.example}\n  next: {one.remedy}")
    if not all(one.fine for one in found):
        raise typer.Exit(1)
