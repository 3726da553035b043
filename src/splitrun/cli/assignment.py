"""`splitrun ruleset` and `explain`: what clients are given, and what they make of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from json import loads
from pathlib import Path
from typing import Annotated

import typer
from msgspec import to_builtins
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from splitrun.assign.explanation import Explanation, Step
from splitrun.cli.console import say, say_json, width
from splitrun.conduct.explain import explain as explained
from splitrun.conduct.rulesets import Published, publish

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
    json: Json = False,
) -> None:
    """Compile a project's flags and experiments into the ruleset that clients take."""
    made = publish(folder, environment, out)
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
    return f"{number} {what}{'' if number == 1 else 's'}"


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
    found = explained(
        flag,
        unit,
        attributes(context or ()),
        place=ruleset,
        environment=environment,
        opted_out=opted_out,
    )
    if json:
        say_json({"form": "splitrun.explanation/1", **to_builtins(found)})
    else:
        say(drawn(found))
    if found.evaluation.error is not None:
        raise typer.Exit(REFUSED)


def drawn(found: Explanation) -> str:
    """The path as a tree."""
    answer = found.evaluation
    tree = Tree(Text(f"{found.flag} for {found.unit!r}", style="bold"))
    for step in found.steps:
        branch(tree, step)
    console = Console(width=width(), highlight=False)
    with console.capture() as page:
        console.print(tree)
    served = (
        f"variant {answer.variant!r}, value {answer.value!r}" if answer.variant else "the caller's default"
    )
    run = ""
    if answer.experiment:
        run = f"; experiment {answer.experiment}, version {answer.version}, phase {answer.phase}"
    wrong = f"\n{answer.error}: {answer.says}" if answer.error else ""
    path = "\n".join(line.rstrip() for line in page.get().splitlines())
    return (
        f"{path}\nserves {served}\n"
        f"because {answer.reason}, {answer.detail}; ruleset {answer.ruleset}{run}{wrong}"
    )


def branch(tree: Tree, step: Step) -> None:
    """Hang a question and those below it onto the tree."""
    # the sentence holds slot and threshold; the salt beside them lets anybody recompute the slot
    told = {"salt": step.values["salt"]} if "slot" in step.values and "salt" in step.values else step.values
    shown = ", ".join(f"{name} = {value!r}" for name, value in told.items())
    style = "" if step.taken else "dim"
    label = Text(f"{'yes' if step.taken else 'no '}  {step.asks}: {step.found}", style, overflow="fold")
    if shown:
        label.append(f"  ({shown})", style="dim")
    below = tree.add(label)
    for one in step.steps:
        branch(below, one)
