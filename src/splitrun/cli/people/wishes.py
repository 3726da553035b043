"""`splitrun opt-out`, `forget` and `subject-export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.assignment import counted
from splitrun.cli.console import complain, say, say_json
from splitrun.cli.people.words import File, Type, named
from splitrun.cli.registry.words import Actor, Folder, Json, Reason

__all__ = ["forget", "opt_out", "subject_export"]

Units = Annotated[
    list[str] | None, typer.Argument(metavar="UNIT", help="Ids of units, as the product sends them.")
]


def opt_out(
    units: Units = None,
    *,
    unit_type: Type = None,
    file: File = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let them in again.")] = False,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Keep nothing more of units and leave them out of every reading; servers heed it within a second."""
    with verbs.desk() as table:
        wanted = verbs.meant(named(units, file), unit_type, folder)
        done = verbs.opt_out(wanted, folder, undo=undo, desk=table)
    if json:
        say_json(verbs.opted_form(done))
        return
    state = "out" if done.out else "in"
    say(f"{done.changed:,} of {done.units:,} opted {state}; the others were {state} before")


def forget(  # noqa: PLR0913 - a command takes what its words say
    units: Units = None,
    *,
    reason: Reason,
    unit_type: Type = None,
    file: File = None,
    backups: Annotated[
        int,
        typer.Option(
            "--backups", metavar="DAYS", min=0, max=3650, help="Days within which older copies expire."
        ),
    ] = 30,
    actor: Actor = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Keep nothing more of units, and erase what there is from every file; a certificate tells it."""
    with verbs.desk() as table:
        wanted = verbs.meant(named(units, file), unit_type, folder)
        done = verbs.forget(wanted, folder, verbs.Why(reason, actor, backups), desk=table)
    if json:
        say_json(verbs.forgotten_form(done))
        return
    one = done.certificate
    rows = sum(each.rows for each in one.tables)
    waited, letters = counted(one.waiting, "event"), counted(one.letters, "dead letter")
    kept = f"{counted(rows, 'row')} of the lake, {waited} that waited for it, {letters}"
    say(f"forgot {counted(one.units, 'unit')}: {kept}")
    if not (rows or one.waiting or one.letters):
        say("nothing was kept of them: is that how the product writes their ids, byte for byte?")
    if one.linked:
        say(f"{one.linked:,} further ids belonged to them alone and are erased with them")
    if one.shared:
        say(f"{one.shared:,} ids are linked to others as well and stay, without the link")
    say(f"the certificate is entry {done.entry.number:,} of the audit chain")
    say(f"copies that are older hold them until they expire, by {one.backups.gone_by[:10]} at the latest")
    still(done.named_in, done.listed_in)


def still(files: tuple[str, ...], lists: tuple[str, ...]) -> None:
    """Say what still names whom: files that people wrote, and what the registry keeps of lists."""
    if files:
        complain(f"still named in {', '.join(files)}; take the ids out there, and apply")
    if lists:
        which = ", ".join(f"list/{name}" for name in lists)
        complain(
            f"the registry forgets nothing, and keeps salted hashes of their ids in revisions of {which}"
        )


def subject_export(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="The id of a unit.")],
    *,
    reason: Reason,
    unit_type: Type = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="A new file; else it is printed.")
    ] = None,
    actor: Actor = None,
    folder: Folder = Path(),
) -> None:
    """Give all that is kept of one unit, in JSON; the audit chain tells that it was asked for."""
    with verbs.desk() as table:
        (wanted,) = verbs.meant([unit], unit_type, folder)
        found = verbs.subject_export(wanted, folder, reason, actor=actor, desk=table)
        if out is not None:
            verbs.kept_at(out, found)
    if out is None:
        say_json(found)
    else:
        say(f"wrote {out}, readable for its owner only")
