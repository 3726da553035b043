"""`splitrun sign-off`, `approve`, `decide`: what people agree to and conclude."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.lifecycle.words import Environment, Experiment, tell
from splitrun.cli.registry.words import Actor, Folder, Json, Reason

__all__ = ["approve", "decide", "sign_off"]

Digest = Annotated[
    str, typer.Option("--digest", metavar="DIGEST", help="What was read, like sha256: and 64 digits.")
]


def sign_off(  # noqa: PLR0913 - a command takes what its words say
    experiment: Experiment,
    *,
    digest: Digest,
    reason: Reason,
    actor: Actor = None,
    environment: Environment = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Sign off the plan in force, by its digest."""
    wanted = verbs.Asked(folder, reason, actor, environment)
    tell(verbs.sign_off(experiment, digest, wanted), json=json)


def approve(  # noqa: PLR0913 - a command takes what its words say
    experiment: Experiment,
    *,
    step: Annotated[
        str, typer.Option("--for", metavar="STEP", help="What is approved: start, amend or decide.")
    ],
    digest: Digest,
    reason: Reason,
    actor: Actor = None,
    environment: Environment = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Approve a step of somebody else, by the digest of what is approved."""
    wanted = verbs.Asked(folder, reason, actor, environment)
    tell(verbs.approve(experiment, step, digest, wanted), json=json)


def decide(  # noqa: PLR0913 - a command takes what its words say
    experiment: Experiment,
    *,
    decision: Annotated[
        str,
        typer.Option(
            "--decision",
            metavar="CALL",
            help="ship, ship_to_segment, extend, iterate, roll_back or abandon.",
        ),
    ],
    readout: Annotated[
        str, typer.Option("--readout", metavar="DIGEST", help="Digest of the readout that it rests on.")
    ],
    reason: Reason,
    segment: Annotated[
        str | None, typer.Option("--segment", metavar="NAME", help="The segment that is shipped to.")
    ] = None,
    actor: Actor = None,
    environment: Environment = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Record what is decided; against the sealed rule it is recorded as an override."""
    wanted = verbs.Asked(folder, reason, actor, environment)
    tell(verbs.decide(experiment, decision, readout, wanted, segment=segment), json=json)
