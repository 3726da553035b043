"""`splitrun plan`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json, width
from splitrun.cli.planning.baseline import Experiment, Json
from splitrun.cli.power.options import Known

__all__ = ["plan"]

Page = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page that stands alone.")
]
Markdown = Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Write it as Markdown.")]
Start = Annotated[
    datetime | None,
    typer.Option(
        "--start", metavar="DAY", formats=["%Y-%m-%d"], help="Count dates from this day; else from today."
    ),
]


def plan(
    experiment: Experiment,
    *,
    baselines: Known = None,
    start: Start = None,
    html: Page = None,
    markdown: Markdown = None,
    json: Json = False,
) -> None:
    """Show what `register` would seal: the plan in words, its size, its rule, and what stands in the way."""
    wanted = verbs.preview_reports(html, markdown)
    file = verbs.file_of(experiment)
    day = None if start is None else start.date()
    with verbs.desk() as table:
        found = verbs.preview(file, baselines=baselines, start=day, desk=table)
    kept = [verbs.keep(report, found) for report in wanted]
    if json:
        say_json(verbs.preview_form(found))
        return
    say(verbs.preview_text(found, width()))
    if kept:
        say(f"\nwritten: {', '.join(kept)}")
