"""`splitrun keys`: the keys that sign the audit chain and rulesets."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.cli.registry.words import Actor, Folder, Json, Reason
from splitrun.errors import Mistake, SpecError

if TYPE_CHECKING:
    from splitrun.conduct.registry.keys import Key

__all__ = ["app"]

app = typer.Typer(
    name="keys",
    help="Make, list, show and retire the keys that sign.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The key's name.")]


@app.command("new")
def new(
    name: Name,
    *,
    reason: Reason = "a new key",
    actor: Actor = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Make a key; the one before signs its announcement, and from then on it signs."""
    made = verbs.make_key(name, folder, reason, actor=actor)
    told([made], json=json)


@app.command("list")
def listed(*, folder: Folder = Path(), json: Json = False) -> None:
    """List the keys of the project."""
    told(verbs.keys(folder), json=json)


@app.command("show")
def show(name: Name, *, folder: Folder = Path(), json: Json = False) -> None:
    """Print a public key, as clients take it to check rulesets."""
    found = [one for one in verbs.keys(folder) if one.name == name]
    if not found:
        raise SpecError([Mistake(f"there is no key {name[:64]!r}", "see `splitrun keys list`")])
    if json:
        told(found, json=True)
    else:
        say(found[0].public)


@app.command("retire")
def retire(
    name: Name, *, reason: Reason, actor: Actor = None, folder: Folder = Path(), json: Json = False
) -> None:
    """Retire a key; another one signs the entry that says so."""
    told([verbs.retire_key(name, folder, reason, actor=actor)], json=json)


def told(keys: tuple[Key, ...] | list[Key], *, json: bool) -> None:
    """Print keys."""
    if json:
        say_json({"form": "splitrun.keys/1", "keys": [asdict(one) for one in keys]})
        return
    for one in keys:
        state = (
            f"retired {one.retired}" if one.retired else "announced" if one.announced else "not announced yet"
        )
        say(f"{one.name}  {one.public}  made {one.at}, {state}")
    if not keys:
        say("no keys; the first one is made with the first change, or by `splitrun keys new`")
