"""`splitrun analyze`."""

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

__all__ = ["analyze"]


def analyze(  # noqa: PLR0913 - a command takes what its words say
    experiment: Annotated[Path, typer.Argument(metavar="FILE", help="The experiment's YAML file.")],
    *,
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
    """Read an experiment's data; answer with effects, intervals, verdicts and doubts."""
    allowed = access(data, database, memory, threads, timeout)
    show(
        lambda table: verbs.analyze(experiment, as_of=as_of, access=allowed, desk=table),
        html=html,
        markdown=markdown,
        json=json,
        sql=sql,
    )
