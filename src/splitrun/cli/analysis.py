"""`splitrun analyze`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json, width

__all__ = ["analyze"]

Page = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the readout as a page that stands alone.")
]
Markdown = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write the readout as Markdown.")
]
Statements = Annotated[bool, typer.Option("--sql", help="Print the SQL that was run, below the readout.")]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=1, help="The longest a statement may run.")
]


def analyze(  # noqa: PLR0913 - a command takes what its words say
    experiment: Annotated[Path, typer.Argument(metavar="FILE", help="The experiment's YAML file.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Answer in the documented JSON form.")] = False,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="MOMENT", help="Count only what had happened by then (ISO 8601)."),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", metavar="FOLDER", help="A further folder that data may lie in."),
    ] = None,
    database: Annotated[
        Path | None,
        typer.Option("--database", metavar="FILE", help="A DuckDB file for table: and query: sources."),
    ] = None,
    memory: Annotated[
        str, typer.Option("--memory", metavar="SIZE", help="The engine's memory limit.")
    ] = "4GB",
    threads: Annotated[int, typer.Option("--threads", min=1, max=256, help="The engine's threads.")] = 1,
    timeout: Timeout = 600,
    sql: Statements = False,
    html: Page = None,
    markdown: Markdown = None,
) -> None:
    """Read an experiment's data; answer with effects, intervals, verdicts and doubts."""
    access = verbs.Access(
        folders=tuple(data or ()), database=database, memory=memory, threads=threads, seconds=timeout
    )
    wanted = verbs.reports(html, markdown)
    with verbs.desk() as table:
        readout = verbs.analyze(experiment, as_of=as_of, access=access, desk=table)
    kept = [verbs.keep(report, readout) for report in wanted]
    if json:
        say_json(readout.to_dict())
        return
    say(verbs.text(readout, width=width()))
    if sql:
        say("\n".join(f"\n-- {one.name}\n{one.sql};" for one in readout.lineage.sql))
    if kept:
        say(f"\nwritten: {', '.join(kept)}")
