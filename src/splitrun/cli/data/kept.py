"""`splitrun data-map` and `splitrun retention`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.cli.registry.words import Folder, Json

__all__ = ["data_map", "retention"]


NEXT = (
    "next: keep `splitrun serve` with its worker running: it lets go every 15 minutes, and removes files a "
    "day after their rows; where it runs already, its log says why something stays"
)


def data_map(
    *,
    record: Annotated[
        bool, typer.Option("--record", help="The record of processing instead (GDPR, article 30).")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write both as a page into a file.")
    ] = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Show every field that is kept: what for, how close to a person, how long, who reads it."""
    found = verbs.data_map(folder)
    name = None if html is None else verbs.keep_map(html, found)
    if json:
        say_json(verbs.record_form(found) if record else verbs.map_form(found))
    elif name is not None:
        say(f"wrote {name}: {len(found.fields)} fields, {len(found.gaps)} without a policy")
    else:
        say(verbs.record_markdown(found) if record else verbs.map_markdown(found))


def retention(*, folder: Folder = Path(), json: Json = False) -> None:
    """Prove from the stores that nothing is kept longer than it may; leaves with 1 where something is."""
    with verbs.desk() as table:
        found = verbs.proved(folder, table)
    if json:
        say_json(verbs.proof_form(found))
    else:
        for one in found.kept:
            name = f"{one.store} {one.environment}".rstrip()
            since = (
                "nothing is there" if one.oldest is None else f"{one.rows:,} rows, the oldest of {one.oldest}"
            )
            limit = f"kept {one.limit}" if one.limit else "kept for ever"
            older = "" if one.fine else f"; {one.older:,} are older"
            say(f"{'ok ' if one.fine else 'BAD'}  {name}  {limit}: {since}{older}")
        say(f"{found.drops:,} entries of the audit chain say what was let go of")
        if not found.fine:
            say(NEXT)
    if not found.fine:
        raise typer.Exit(1)
