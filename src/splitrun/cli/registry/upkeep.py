"""`splitrun migrate`, `backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.cli.registry.words import Actor, Folder, Json, Reason

__all__ = ["backup", "migrate", "restore"]


def migrate(
    *,
    to: Annotated[
        str | None, typer.Option("--to", metavar="SCHEMA", help="A schema by its number; else the newest.")
    ] = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Bring the registry to the schema of this version; others wait meanwhile."""
    with verbs.desk() as table:
        done = verbs.migrate_registry(folder, to, desk=table)
    if json:
        say_json({"form": "splitrun.migrated/1", "before": done.before, "after": done.after})
    elif done.before == done.after:
        say(f"nothing to do: the registry has the schema {done.after}")
    else:
        say(f"migrated the registry from {done.before} to {done.after}")


def backup(
    into: Annotated[Path, typer.Argument(metavar="INTO", help="A new or empty folder.")],
    *,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Copy the registry as it stands at one moment; private keys are not copied."""
    with verbs.desk() as table:
        made = verbs.back_up(into, folder, desk=table)
    if json:
        say_json(
            {
                "form": made.form,
                "at": made.at,
                "schema": made.schema,
                "mark": made.mark,
                "hash": made.hash,
                "file": made.file,
                "digest": made.digest,
            }
        )
    else:
        say(f"wrote {into / made.file}: everything up to entry {made.mark:,}, {made.digest}")


def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="The folder of a backup.")],
    *,
    reason: Reason,
    actor: Actor = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Put a backup into an empty registry, verify it, and say so in its chain."""
    with verbs.desk() as table:
        done = verbs.restore(source, folder, reason, actor=actor, desk=table)
    mark, entries = done.backup.manifest.mark, done.verification.entries
    if json:
        say_json({"form": "splitrun.restored/1", "mark": mark, "entries": entries, "lost": done.lost})
        return
    say(f"restored {entries:,} entries up to {mark:,}; the chain verifies, and says that it was restored")
    if done.lost:
        say(f"{done.lost:,} entries after the mark were known to this machine's head and are lost")
