"""`splitrun register`, `amend`, `restart`: steps that seal a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.lifecycle.words import Environment, Experiment, tell
from splitrun.cli.registry.words import Actor, Folder, Json, Reason

__all__ = ["amend", "register", "restart"]

Database = Annotated[
    Path | None,
    typer.Option("--database", metavar="FILE", help="A DuckDB file in which exposures may be."),
]


Late = Annotated[
    str | None,
    typer.Option("--late", metavar="REASON", help="Why it is sealed though exposures are there; for ever."),
]


def register(  # noqa: PLR0913 - a command takes what its words say
    experiment: Experiment,
    *,
    reason: Reason,
    late: Late = None,
    database: Database = None,
    actor: Actor = None,
    environment: Environment = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Seal the plan of an experiment, before its first exposure."""
    with verbs.desk() as table:
        wanted = verbs.Asked(folder, reason, actor, environment, table)
        taken = verbs.register(experiment, wanted, late=late, database=database)
    tell(taken, json=json)


def amend(  # noqa: PLR0913 - a command takes what its words say
    experiment: Experiment,
    *,
    reason: Reason,
    late: Late = None,
    database: Database = None,
    actor: Actor = None,
    environment: Environment = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Seal what the files say now as an amendment, with what had been seen."""
    wanted = verbs.Asked(folder, reason, actor, environment)
    tell(verbs.amend(experiment, wanted, late=late, database=database), json=json)


def restart(  # noqa: PLR0913 - a command takes what its words say
    experiment: Experiment,
    *,
    reason: Reason,
    late: Late = None,
    database: Database = None,
    actor: Actor = None,
    environment: Environment = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Seal a new version that deals all units afresh, and follows the one before."""
    wanted = verbs.Asked(folder, reason, actor, environment)
    tell(verbs.restart(experiment, wanted, late=late, database=database), json=json)
