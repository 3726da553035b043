"""`splitrun kill` and `splitrun unkill`: a flag off within two seconds, whatever the registry can do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.cli.registry.words import Actor, Folder, Json, Reason

if TYPE_CHECKING:
    from splitrun.conduct.serving.kills import Switched

__all__ = ["kill", "unkill"]

Flag = Annotated[str, typer.Argument(metavar="FLAG", help="Its key.")]
Environment = Annotated[
    str | None, typer.Option("--environment", metavar="NAME", help="Else the first of the project's.")
]


def kill(
    flag: Flag,
    *,
    reason: Reason,
    environment: Environment = None,
    actor: Actor = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Switch a flag off in every client at once; its default is served until `unkill`."""
    done = verbs.kill(flag, folder, reason, environment=environment, actor=actor)
    says = "is switched off" if done.new else "was switched off before"
    tell(done, f"{flag} {says} in {done.kill.environment}; everybody is served its default", json)


def unkill(
    flag: Flag,
    *,
    reason: Reason,
    environment: Environment = None,
    actor: Actor = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Let a flag that was killed serve what its definition says again."""
    done = verbs.unkill(flag, folder, reason, environment=environment, actor=actor)
    tell(done, f"{flag} serves in {done.kill.environment} what its definition says", json)


def tell(done: Switched, says: str, json: bool) -> None:  # noqa: FBT001 - how it is told is told last
    """Tell what became of it."""
    if json:
        say_json(
            {
                "form": "splitrun.kill/1",
                "verb": done.kill.verb,
                "flag": done.kill.flag,
                "environment": done.kill.environment,
                "at": done.kill.at,
                "new": done.new,
                "untold": done.untold,
            }
        )
        return
    say(says)
    if done.untold:
        say(f"the audit chain will be told later: {done.untold}")
