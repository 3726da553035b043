"""`splitrun readout`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.reading.words import (
    AsOf,
    Data,
    Database,
    Json,
    Markdown,
    Memory,
    Page,
    Statements,
    Threads,
    Timeout,
    access,
    show,
)
from splitrun.cli.registry.words import Actor, Folder

__all__ = ["Early", "Environment", "Why", "readout"]

Environment = Annotated[
    str | None,
    typer.Option("--environment", metavar="NAME", help="Where it runs; else the project's first."),
]
Why = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Why you look; it stands in the audit chain."),
]
Early = Annotated[
    str | None,
    typer.Option(
        "--early", metavar="REASON", help="Why a plan for one reading is read before its planned end."
    ),
]

Pin = Annotated[
    int | None,
    typer.Option(
        "--pin", metavar="LOOK", min=1, help="Read again what this entry of the log read of the lake."
    ),
]

Merge = Annotated[
    list[Path] | None,
    typer.Option("--merge", metavar="FILE", help="Moments of a region, in the place of rows; several times."),
]
Keys = Annotated[
    list[Path] | None,
    typer.Option("--keys", metavar="FILE", help="Public keys that a region signs with; several times."),
]


def readout(  # noqa: PLR0913 - a command takes what its words say
    experiment: Annotated[
        str, typer.Argument(metavar="EXPERIMENT", help="The key of a registered experiment.")
    ],
    *,
    environment: Environment = None,
    reason: Why = None,
    early: Early = None,
    pin: Pin = None,
    merge: Merge = None,
    keys: Keys = None,
    actor: Actor = None,
    folder: Folder = Path(),
    json: Json = False,
    as_of: AsOf = None,
    data: Data = None,
    database: Database = None,
    memory: Memory = "4GB",
    threads: Threads = 1,
    timeout: Timeout = 600,
    sql: Statements = False,
    html: Page = None,
    markdown: Markdown = None,
) -> None:
    """Read an experiment by its sealed plan; the look is recorded before an effect is shown."""
    allowed = access(data, database, memory, threads, timeout)
    regions = tuple(merge or ()), tuple(keys or ())
    wish = verbs.Wish(environment, reason, early, actor, pin, *regions)
    show(
        lambda table: verbs.readout(experiment, folder, as_of=as_of, access=allowed, wish=wish, desk=table),
        html=html,
        markdown=markdown,
        json=json,
        sql=sql,
    )
