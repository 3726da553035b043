"""`splitrun api-keys`: the keys that clients call the server with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.cli.registry.words import Actor, Folder, Json, Reason

__all__ = ["app"]

app = typer.Typer(
    name="api-keys",
    help="Make, list and revoke the keys that clients call the server with.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom it is for.")],
    *,
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope", metavar="SCOPE", help="sdk, evaluate, ingest, people, read or admin; again for more."
        ),
    ],
    environment: Annotated[
        str | None, typer.Option("--environment", metavar="NAME", help="Else the first of the project's.")
    ] = None,
    actor: Actor = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Make a key and tell it; it is not kept and cannot be told again."""
    made = verbs.make_access_key(name, scope, folder, environment=environment, actor=actor)
    if json:
        say_json({**verbs.access_key_form(made.key), "key": made.secret})
    else:
        say(made.secret)


@app.command("list")
def listed(*, folder: Folder = Path(), json: Json = False) -> None:
    """List the keys; their secrets are not kept."""
    found = verbs.access_keys(folder)
    if json:
        say_json(verbs.access_keys_form(found))
        return
    for one in found:
        state = f"revoked {one.revoked}" if one.revoked else f"made {one.at}"
        say(f"{one.id}  {one.name}  {', '.join(one.scopes)}  {one.project}/{one.environment}  {state}")
    if not found:
        say("no API keys; make one with `splitrun api-keys new NAME --scope sdk --scope ingest`")


@app.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its id or name.")],
    *,
    reason: Reason,
    actor: Actor = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Revoke a key; a server refuses it within a second."""
    found = verbs.revoke_access_key(key, folder, reason, actor=actor)
    if json:
        say_json(verbs.access_key_form(found))
    else:
        say(f"revoked {found.id} ({found.name})")
