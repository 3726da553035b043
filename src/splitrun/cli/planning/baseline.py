"""`splitrun baseline`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json, width

__all__ = ["baseline"]

Experiment = Annotated[
    str, typer.Argument(metavar="EXPERIMENT", help="The experiment's YAML file, or its key in the project.")
]
Units = Annotated[
    str | None,
    typer.Option("--units", metavar="SOURCE", help="Whoever has a row in it would have been eligible."),
]
Past = Annotated[
    str | None,
    typer.Option("--past", metavar="FILE", help="Instead of it: a past experiment, whose control tells."),
]
Where = Annotated[
    str | None,
    typer.Option("--where", metavar="CONDITION", help="Which rows of the source are of eligible units."),
]
Since = Annotated[
    datetime | None,
    typer.Option("--from", metavar="DAY", formats=["%Y-%m-%d"], help="The first day of history."),
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", metavar="DAY", formats=["%Y-%m-%d"], help="The first day that counts no more."),
]
Days = Annotated[
    int | None,
    typer.Option("--days", metavar="NUMBER", help="How many days; else as many as will be enrolled."),
]
Data = Annotated[
    list[Path] | None,
    typer.Option("--data", metavar="FOLDER", help="A further folder that data may lie in."),
]
Database = Annotated[
    Path | None,
    typer.Option("--database", metavar="FILE", help="A DuckDB file for table: and query: sources."),
]
Keep = Annotated[bool, typer.Option("--no-write", help="Only tell; write no file of baselines.")]
Json = Annotated[bool, typer.Option("--json", help="Answer in the documented JSON form.")]


def baseline(  # noqa: PLR0913 - a command takes what its words say
    experiment: Experiment,
    *,
    units: Units = None,
    past: Past = None,
    where: Where = None,
    since: Since = None,
    until: Until = None,
    days: Days = None,
    data: Data = None,
    database: Database = None,
    no_write: Keep = False,
    json: Json = False,
) -> None:
    """Measure on history how many units come each day and where the metrics lie; keep it for `plan`."""
    first, end = (None if each is None else each.date() for each in (since, until))
    looking = verbs.Looking(units=units, past=past, where=where, since=first, until=end, days=days)
    access = verbs.Access(folders=tuple(data or ()), database=database)
    file = verbs.file_of(experiment)
    place = verbs.place_of(file)
    with verbs.desk() as table:
        found = verbs.baseline(file, looking, access=access, desk=table)
    kept = None if no_write or place is None else verbs.keep_history(found, place)
    if json:
        say_json(verbs.history_form(found, kept))
        return
    say(verbs.history_text(found, width()))
    if kept:
        say(f"\nwritten: {kept}; `splitrun power` and `splitrun plan` find it")
