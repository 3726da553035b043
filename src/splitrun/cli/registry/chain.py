"""`splitrun audit`: read, verify and export the audit chain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.cli.registry.words import Folder, Json

if TYPE_CHECKING:
    from splitrun.store.chain.entry import Entry
    from splitrun.store.verification import Verification

__all__ = ["app"]

TAMPERED = 4

app = typer.Typer(
    name="audit", help="Read, verify and export the audit chain.", no_args_is_help=True, rich_markup_mode=None
)

Of = Annotated[
    str | None,
    typer.Option("--project", metavar="NAME", help="Only entries of this project of the registry."),
]


@app.command("log")
def log(
    *,
    since: Annotated[
        int,
        typer.Option("--since", metavar="NUMBER", min=0, help="Only entries after this one; else the last."),
    ] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many at most.")] = 50,
    project: Of = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Print entries of the chain, the oldest first."""
    found = verbs.log(folder, since=since, limit=limit, project=project)
    if json:
        say_json(verbs.log_form(found.entries, found.last))
        return
    for entry in found.entries:
        say(line(entry))
    if not found.entries:
        say("no entries")


def line(entry: Entry) -> str:
    """An entry as a person reads it."""
    where = "/".join(part for part in (entry.project, entry.environment) if part)
    why = f": {entry.reason}" if entry.reason else ""
    return f"{entry.number:>6}  {entry.at[:19]}Z  {entry.actor}  {entry.verb} {entry.subject}" + (
        f" in {where}{why}" if where else why
    )


@app.command("verify")
def verify(
    *,
    head: Annotated[
        Path | None, typer.Option("--head", metavar="FILE", help="A head that a witness kept elsewhere.")
    ] = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Write a head where there is none, as on a new machine.")
    ] = False,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Hold every entry and row against hashes, signatures and the head outside of the database."""
    with verbs.desk() as table:
        found = verbs.verify_log(folder, head=head, adopt=adopt, desk=table)
    if json:
        say_json(verbs.verification_form(found))
    else:
        say("\n".join(lines(found)))
    if not found.fine:
        raise typer.Exit(TAMPERED)


def lines(found: Verification) -> list[str]:
    """What was found, for people."""
    told = [f"entry {one.number:,}: {one.kind.value}: {one.says}" for one in found.faults]
    if found.found > len(found.faults):
        told.append(f"and {found.found - len(found.faults):,} more")
    if found.behind:
        told.append(f"the head was {found.behind:,} entries behind, as after a crash")
    if found.backwards:
        told.append(f"{found.backwards:,} entries are earlier than the one before: look at the clocks")
    done = f"{found.entries:,} entries and {found.rows:,} rows verified"
    told.append(f"{done}, nothing was tampered with" if found.fine else f"{done}, {found.found:,} faults")
    return told


@app.command("export")
def export(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write; else it is printed.")
    ] = None,
    project: Of = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Write the chain as lines of JSON, the signed head last; kept elsewhere it is a witness."""
    lines = verbs.export_log(folder, out, project=project)
    if out is None:
        for one in lines:
            say(one)
        return
    (name,) = lines
    if json:
        say_json({"form": "splitrun.files/1", "files": [name]})
    else:
        say(f"wrote {name}")
