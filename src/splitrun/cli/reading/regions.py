"""`splitrun measure`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.cli.reading.looking import Early, Environment, Why
from splitrun.cli.reading.words import AsOf, Data, Database, Memory, Threads, Timeout, access
from splitrun.cli.registry.words import Actor, Folder

__all__ = ["measure"]


def measure(  # noqa: PLR0913 - a command takes what its words say
    experiment: Annotated[
        str, typer.Argument(metavar="EXPERIMENT", help="The key of a registered experiment.")
    ],
    *,
    moments: Annotated[Path, typer.Option("--moments", metavar="FILE", help="Where the moments go.")],
    region: Annotated[str, typer.Option("--region", metavar="NAME", help="What the region is called.")],
    as_of: AsOf = None,
    environment: Environment = None,
    reason: Why = None,
    early: Early = None,
    actor: Actor = None,
    folder: Folder = Path(),
    json: Annotated[bool, typer.Option("--json", help="Say what left as JSON.")] = False,
    data: Data = None,
    database: Database = None,
    memory: Memory = "4GB",
    threads: Threads = 1,
    timeout: Timeout = 600,
) -> None:
    """Write the moments of an experiment to a signed file; no row leaves, and no level with few units."""
    allowed = access(data, database, memory, threads, timeout)
    wish = verbs.Wish(environment=environment, reason=reason, early=early, actor=actor)
    with verbs.desk() as table:
        leaving = verbs.Leaving(region, moments, as_of)
        sent = verbs.measure(experiment, folder, leaving, access=allowed, wish=wish, desk=table)
    if json:
        say_json(
            {
                "form": "splitrun.measured/1",
                "file": sent.file,
                "region": sent.region,
                "digest": sent.digest,
                "units": sent.units,
                "withheld": list(sent.withheld),
            }
        )
        return
    say(f"{sent.file}: moments of {sent.units:,} units of {sent.region}, signed; {sent.digest}")
    if sent.withheld:
        say(f"levels with few units do not leave: of {', '.join(sent.withheld)}")
