"""`splitrun ruleset` and `explain`: what clients are given, and what they make of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json, width

if TYPE_CHECKING:
    from splitrun.conduct.rulesets import Published

__all__ = ["attributes", "explain", "ruleset"]

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Environment = Annotated[
    str | None, typer.Option("--environment", metavar="NAME", help="One of the project's; else the first.")
]

SCALAR = re.compile(r'-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?|true|false|null|".*"', re.DOTALL)
"""What JSON reads as a number, true, false, null or a text in quotes; anything else is text as it is."""

REFUSED = 4


def ruleset(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="A folder of the project.")] = Path(),
    *,
    environment: Environment = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to write; a ruleset that is there is followed."),
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="The one that the registry published, signed; not the files.")
    ] = False,
    json: Json = False,
) -> None:
    """Compile a project's flags and experiments into the ruleset that clients take."""
    made = (verbs.served if published else verbs.publish)(folder, environment, out)
    if out is None:
        say(made.document.decode())
    elif json:
        say_json({"form": "splitrun.published/1", **facts(made)})
    else:
        one, done = made.ruleset, "wrote" if made.new else "nothing changed in"
        say(
            f"{done} {made.file}: ruleset {one.version} of {one.project or 'no project'}, {one.environment}\n"
            f"{counted(len(one.flags), 'flag')}, {counted(len(one.experiments), 'experiment')}, "
            f"{len(made.document):,} bytes, {made.digest}"
        )


def counted(number: int, what: str) -> str:
    """A number of things, in words."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def facts(made: Published) -> dict[str, str | int | bool | None]:
    """What is told of a ruleset."""
    one = made.ruleset
    return {
        "file": made.file,
        "new": made.new,
        "project": one.project,
        "environment": one.environment,
        "version": one.version,
        "flags": len(one.flags),
        "experiments": len(one.experiments),
        "bytes": len(made.document),
        "digest": made.digest,
    }


def attributes(words: Sequence[str]) -> dict[str, object]:
    """Read `name=value` words: `age=30` is a number, `plan=pro` a text, `zip="0123"` a text in quotes.

    Raises:
        BadParameter: One has no name, or a name stands twice.
    """
    known: dict[str, object] = {}
    for word in words:
        name, equals, written = word.partition("=")
        if not name or not equals:
            raise typer.BadParameter(f"{word[:80]!r} is no attribute; write NAME=VALUE, like country=DE")
        if name in known:
            raise typer.BadParameter(f"attribute {name[:80]!r} stands twice; write it once")
        try:
            known[name] = loads(written) if SCALAR.fullmatch(written) else written
        except ValueError:
            known[name] = written
    return known


def explain(  # noqa: PLR0913 - a command takes what its words say
    flag: Annotated[str, typer.Argument(metavar="FLAG", help="The flag's key.")],
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="The id of a unit.")],
    *,
    context: Annotated[
        list[str] | None,
        typer.Option("--context", "-c", metavar="NAME=VALUE", help="An attribute of the unit; repeat it."),
    ] = None,
    ruleset: Annotated[
        Path,
        typer.Option("--ruleset", metavar="PATH", help="A ruleset's file, or a folder of a project."),
    ] = Path(),
    environment: Environment = None,
    opted_out: Annotated[
        bool, typer.Option("--opted-out", help="As if the unit takes no part in experiments.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what a flag serves a unit, and the path that leads there."""
    found = verbs.explain(
        flag,
        unit,
        attributes(context or ()),
        place=ruleset,
        environment=environment,
        opted_out=opted_out,
    )
    if json:
        say_json(verbs.explanation_as_json(found))
    else:
        say(verbs.explanation_as_tree(found, width()))
    if found.evaluation.error is not None:
        raise typer.Exit(REFUSED)
