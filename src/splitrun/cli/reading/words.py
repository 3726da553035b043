"""The options of verbs that read, and how they print what was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json, width

if TYPE_CHECKING:
    from splitrun.conduct.desk import Desk
    from splitrun.conduct.reading.access import Access
    from splitrun.report.notebook import Shown

__all__ = [
    "AsOf", "Data", "Database", "Json", "Markdown", "Memory", "Page", "Statements", "Threads", "Timeout",
    "access", "show",
]  # fmt: skip

Json = Annotated[bool, typer.Option("--json", help="Answer in the documented JSON form.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="MOMENT", help="Count only what had happened by then (ISO 8601)."),
]
Data = Annotated[
    list[Path] | None,
    typer.Option("--data", metavar="FOLDER", help="A further folder that data may lie in."),
]
Database = Annotated[
    Path | None,
    typer.Option("--database", metavar="FILE", help="A DuckDB file for table: and query: sources."),
]
Memory = Annotated[str, typer.Option("--memory", metavar="SIZE", help="The engine's memory limit.")]
Threads = Annotated[int, typer.Option("--threads", min=1, max=256, help="The engine's threads.")]
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


def access(
    data: Sequence[Path] | None, database: Path | None, memory: str, threads: int, timeout: float
) -> Access:
    """What may be read and used, as the options say."""
    return verbs.Access(
        folders=tuple(data or ()), database=database, memory=memory, threads=threads, seconds=timeout
    )


def show(
    read: Callable[[Desk], Shown], *, html: Path | None, markdown: Path | None, json: bool, sql: bool
) -> None:
    """Read, keep the reports that are asked for, and print.

    Args:
        read: Reads; begun once the reports are known to have a place.
        html: Where the page goes.
        markdown: Where the Markdown goes.
        json: Whether to print the JSON form.
        sql: Whether to print the SQL.
    """
    wanted = verbs.reports(html, markdown)
    with verbs.desk() as table:
        readout = read(table)
    kept = [verbs.keep(report, readout) for report in wanted]
    if json:
        say_json(readout.to_dict())
        return
    say(verbs.text(readout, width=width()))
    if sql:
        say("\n".join(f"\n-- {one.name}\n{one.sql};" for one in readout.lineage.sql))
    if kept:
        say(f"\nwritten: {', '.join(kept)}")
