"""`splitrun replay`: dead letters sent on their way again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.cli.registry.words import Folder, Json

__all__ = ["replay"]


def replay(
    *,
    code: Annotated[
        list[str] | None,
        typer.Option("--code", metavar="CODE", help="Only those of this reason; may be given again."),
    ] = None,
    look: Annotated[bool, typer.Option("--look", help="Only count them.")] = False,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Send dead letters on their way again, after what was wrong has been mended."""
    done = verbs.replay(folder, code or (), look=look)
    if json:
        say_json({"form": "splitrun.replay/1", "sent": dict(done.sent), "left": dict(done.left)})
        return
    for says, counts in (("sent again", done.sent), ("dead letters", done.left)):
        for name, count in sorted(counts.items()):
            say(f"{says}: {count:,} {name}")
    if not done.sent and not done.left:
        say("there are no dead letters")
