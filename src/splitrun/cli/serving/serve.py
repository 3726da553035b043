"""`splitrun serve`: rulesets out, events in, and the lake filled, in one process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.cli.registry.words import Folder, Json

__all__ = ["serve"]


Bytes = Annotated[
    int,
    typer.Option("--spool-cap", metavar="BYTES", min=1, help="Events that may wait for the lake, in bytes."),
]


def serve(  # noqa: PLR0913 - a command takes what its words say
    *,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="PORT", help="0 takes any that is free.")] = 8321,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="MODE", help="web, ingest or worker, and nothing else; again for more."
        ),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin",
            metavar="ORIGIN",
            help="Pages of this origin may evaluate flags and send events; again for more.",
        ),
    ] = None,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Write each request to standard error, as JSON without ids.")
    ] = False,
    spool_cap: Bytes = 2_000_000_000,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Serve rulesets, take events and fill the lake, until it is interrupted."""
    root, log = verbs.home(folder).root, sys.stderr if access_log else None
    server = verbs.assembled(
        root, tuple(only or ()), origins=tuple(allow_origin or ()), log=log, cap=spool_cap
    )
    first_keys(root, json=json)

    def listening(address: str) -> None:
        if json:
            say_json({"form": "splitrun.serving/1", "address": address, "modes": sorted(server.modes)})
        else:
            say(f"serving {', '.join(sorted(server.modes))} of {root} at {address}; Ctrl-C ends it")

    verbs.serving(server, host, port, listening)


def first_keys(root: Path, *, json: bool) -> None:
    """Make the keys of a project that has none, and tell them once."""
    for made in verbs.first_access_keys(root):
        if json:
            say_json({**verbs.access_key_form(made.key), "key": made.secret})
        else:
            say(f"made the first API key ({', '.join(made.key.scopes)}), told only now: {made.secret}")
