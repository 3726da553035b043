"""`splitrun audit-assignment`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json

__all__ = ["audit_assignment"]

UNEXPLAINED = 4


def audit_assignment(  # noqa: PLR0913 - a command takes what its words say
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="The experiment's key.")],
    *,
    exposures: Annotated[
        Path, typer.Option("--exposures", metavar="FILE", help="Logged exposures: .jsonl, .parquet or .csv.")
    ],
    ruleset: Annotated[
        list[Path] | None,
        typer.Option("--ruleset", metavar="PATH", help="A ruleset that was in use, or a project; repeat it."),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option("--environment", metavar="NAME", help="One of the project's; else the first."),
    ] = None,
    show_ids: Annotated[bool, typer.Option("--show-ids", help="Show the unit ids of examples.")] = False,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL that was run.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Recompute every logged exposure, and tell apart what does not agree."""
    with verbs.desk() as table:
        done = verbs.audit(experiment, exposures, ruleset or [Path()], environment=environment, desk=table)
    if json:
        say_json(verbs.audit_as_json(done, show_ids=show_ids))
    else:
        say("\n".join(verbs.audit_as_lines(done, show_ids=show_ids)))
        if sql:
            say("\n".join(f"\n-- {one.name}\n{one.sql};" for one in done.sql))
    if done.found.unexplained:
        raise typer.Exit(UNEXPLAINED)
