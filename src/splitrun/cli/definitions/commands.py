"""`splitrun diff`, `apply` and `export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.cli.registry.words import Actor, Folder, Json
from splitrun.errors import Mistake, SpecError

if TYPE_CHECKING:
    from splitrun.conduct.definitions.comparing import Compared

__all__ = ["apply", "diff", "export"]

DIFFERENT = 7
"""Exit code of `diff --check`: there are differences, and `apply` takes them."""

UNSAFE = 8
"""Exit code of `diff --check`: there are differences that `apply` refuses."""

Why = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the audit chain.")
]


def diff(
    *,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="For CI: leave with 7 where files and registry differ, 8 where it is unsafe."
        ),
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A summary fit for a pull request.")] = False,
    environment: Annotated[
        str | None,
        typer.Option(
            "--environment", metavar="NAME", help="Look at experiments of this one only; else of all."
        ),
    ] = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Show how the files differ from the registry, and what follows from it; nothing is written."""
    with verbs.desk() as table:
        found = verbs.compare(folder, environment, desk=table)
    if json:
        say_json(verbs.difference_as_json(found))
    elif markdown:
        say("\n".join(verbs.difference_as_markdown(found)))
    else:
        say("\n".join(verbs.difference_as_lines(found)))
    if check and found.difference.steps:
        raise typer.Exit(UNSAFE if found.difference.unsafe else DIFFERENT)


def apply(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nobody.")] = False,
    reason: Why = None,
    actor: Actor = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Bring the registry in line with the files; the difference is shown first."""

    def agreed(found: Compared) -> bool:
        if not json:
            say("\n".join(verbs.difference_as_lines(found)))
        return yes or bool(found.difference.unsafe) or asked()

    with verbs.desk() as table:
        done = verbs.apply(folder, agreed, reason, actor=actor, desk=table)
    written = () if done.receipt is None else done.receipt.entries
    if json:
        say_json(
            {
                **verbs.difference_as_json(done.compared),
                "form": "splitrun.applied/1",
                "written": len(written),
                "entries": [one.number for one in written],
            }
        )
    elif not done.compared.difference.steps:
        say("nothing to do: the registry says what the files say")
    elif not written:
        say("nothing was written")
    else:
        say(f"applied: entries {written[0].number:,} to {written[-1].number:,} of the audit chain")


def asked() -> bool:
    """Ask whoever sits at the terminal.

    Raises:
        SpecError: Nobody does.
    """
    if not sys.stdin.isatty():
        raise SpecError([Mistake("nobody can be asked here, and nothing was written", "say so with --yes")])
    return typer.confirm("apply this?", err=True)


def export(
    into: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write the files of the project.")],
    *,
    project: Annotated[
        str | None,
        typer.Option("--project", metavar="NAME", help="A project of the registry; else that of the folder."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files of the same names.")] = False,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Write the definitions that the registry keeps back as files."""
    with verbs.desk() as table:
        names = verbs.export(into, folder, project=project, force=force, desk=table)
    if json:
        say_json({"form": "splitrun.files/1", "files": list(names)})
    else:
        for name in names:
            say(f"wrote {name}")
