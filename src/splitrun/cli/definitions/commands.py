"""`splitrun diff`, `apply` and `export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import colours, say, say_json
from splitrun.cli.registry.words import Actor, Folder, Json
from splitrun.errors import Mistake, SpecError

if TYPE_CHECKING:
    from splitrun.conduct.definitions.comparing import Compared
    from splitrun.conduct.lifecycle.applying import Applied

__all__ = ["apply", "diff", "export"]

UNSAFE = 7
"""Exit code of `diff --check`: there are differences that `apply` refuses."""

DIFFERENT = 8
"""Exit code of `diff --check`: there are differences, and `apply` takes them."""

Why = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the audit chain.")
]
Check = Annotated[
    bool, typer.Option("--check", help="For CI: leave with 8 where they differ, with 7 where it is unsafe.")
]
Where = Annotated[
    str | None,
    typer.Option("--environment", metavar="NAME", help="Look at lives in this one only; else in all."),
]
Amending = Annotated[
    list[str] | None,
    typer.Option("--amending", metavar="EXPERIMENT", help="It is amended next, with what is applied."),
]
Restarting = Annotated[
    list[str] | None,
    typer.Option("--restarting", metavar="EXPERIMENT", help="It is restarted next, with what is applied."),
]


def diff(
    *,
    check: Check = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A summary fit for a pull request.")] = False,
    environment: Where = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Show how the files differ from the registry, and what follows from it; nothing is written."""
    with verbs.desk() as table:
        found = verbs.compare(folder, environment, desk=table)
    if json:
        say_json(verbs.difference_as_json(found.difference, found.about))
    elif markdown:
        say("\n".join(verbs.difference_as_markdown(found.difference, found.about)))
    else:
        say(lines(found))
    if check and not found.same:
        raise typer.Exit(UNSAFE if found.difference.unsafe else DIFFERENT)


def apply(  # noqa: PLR0913 - an argument for each option
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nobody.")] = False,
    amending: Amending = None,
    restarting: Restarting = None,
    reason: Why = None,
    actor: Actor = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Bring the registry in line with the files; the difference is shown first."""

    def shown_to(found: Compared) -> None:
        if not json:
            say(lines(found))

    wanted = verbs.Wanted(reason, actor, frozenset(amending or ()), frozenset(restarting or ()))
    with verbs.desk() as table:
        done = verbs.apply(folder, shown_to, lambda: yes or asked(), wanted, desk=table)
    if json:
        say_json(verbs.applied_form(done))
    else:
        say(told(done))


def lines(found: Compared) -> str:
    """The difference for people."""
    return "\n".join(verbs.difference_as_lines(found.difference, found.about, colours=colours()))


def asked() -> bool:
    """Ask whoever sits at the terminal.

    Raises:
        SpecError: Nobody does.
    """
    if not sys.stdin.isatty():
        raise SpecError([Mistake("nobody can be asked here, and nothing was written", "say so with --yes")])
    return typer.confirm("apply this?", err=True)


def told(done: Applied) -> str:
    """What was done, in a line, and one for each ruleset that was published."""
    if done.compared.same:
        return "nothing to do: the registry says what the files say"
    if done.receipt is None:
        return "nothing was written"
    entries = done.receipt.entries
    lines = [f"applied: entries {entries[0].number:,} to {entries[-1].number:,} of the audit chain"]
    lines += [f"published: ruleset {version:,} of {name}" for name, version in done.rulesets.items()]
    return "\n".join(lines)


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
        return
    for name in names:
        say(f"wrote {name}")
