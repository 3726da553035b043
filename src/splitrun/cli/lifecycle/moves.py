"""`splitrun start`, `pause`, `resume`, `observe`, `stop`, `archive`, `invalidate`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from splitrun.cli import verbs
from splitrun.cli.lifecycle.words import Environment, Experiment, tell
from splitrun.cli.registry.words import Actor, Folder, Json, Reason

__all__ = ["MOVES", "mover"]

MOVES = {
    "start": "Start a registered experiment: its ruleset is published, signed.",
    "pause": "Enrol nobody for a while; units that are in keep their variants.",
    "resume": "Enrol again.",
    "observe": "End enrolment; units keep their variants while windows mature.",
    "stop": "End an experiment: it is taken out of the ruleset.",
    "archive": "Put a decided experiment, or one that never started, away.",
    "invalidate": "Say that nothing may be concluded from an experiment.",
}
"""What each of these does, by its name."""


def mover(name: str) -> Callable[..., None]:
    """Make the command of one step."""

    def command(
        experiment: Experiment,
        *,
        reason: Reason,
        actor: Actor = None,
        environment: Environment = None,
        folder: Folder = Path(),
        json: Json = False,
    ) -> None:
        wanted = verbs.Asked(folder, reason, actor, environment)
        tell(verbs.move(verbs.Verb(name), experiment, wanted), json=json)

    command.__doc__ = MOVES[name]
    return command
