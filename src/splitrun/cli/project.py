"""`splitrun lint`, `init`, `new` and `schema`: the files of a project."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.errors import Mistake, SpecError

__all__ = ["init", "lint", "new", "schema"]

SCHEMAS = ("experiment", "project", "metrics", "flags", "annotations")
RULESET = "ruleset"
"""What clients take has a schema, too; no editor writes it."""
KINDS = (*SCHEMAS, RULESET)
TEMPLATES = (
    "conversion",
    "revenue",
    "latency",
    "experience",
    "retention",
    "aa",
    "rollout-only",
    "switchback",
)
"""Told and completed without loading what they are made of; a test holds them to it."""

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def lint(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Experiments, or folders of projects.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Check files or a whole project; print every mistake with file, line, column and remedy."""
    files, notes = verbs.lint(paths or [])
    if json:
        say_json({"form": "splitrun.lint/1", "files": list(files), "mistakes": [], "notes": list(notes)})
    else:
        say(f"{len(files)} {'file' if len(files) == 1 else 'files'} checked, no mistakes")
        for note in notes:
            say(f"note: {note}")


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write.")] = Path(),
    *,
    json: Json = False,
) -> None:
    """Write a small project that works, on made-up data, to start from."""
    files = verbs.begin_project(folder)
    if json:
        say_json({"form": "splitrun.files/1", "files": list(files)})
        return
    step = "" if folder == Path() else f"cd {folder} && "
    say("\n".join(f"wrote {name}" for name in files))
    say(f"\nnext: {step}splitrun lint\n      {step}splitrun analyze {verbs.FIRST}")


def new(  # noqa: PLR0913 - a command takes what its words say
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="The key of the experiment or flag, like buy-button.")
    ] = None,
    *,
    template: Annotated[
        str | None,
        typer.Option(
            "--template",
            "-t",
            help=f"Of an experiment: one of {', '.join(TEMPLATES)}, or of the project's; else the first.",
            autocompletion=lambda: list(TEMPLATES),
        ),
    ] = None,
    flag: Annotated[bool, typer.Option("--flag", help="Write a flag instead of an experiment.")] = False,
    show: Annotated[
        str | None,
        typer.Option("--show", metavar="TEMPLATE", help="Print all that a template fills; write nothing."),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the templates; write nothing.")] = False,
    into: Annotated[Path | None, typer.Option("--into", metavar="FOLDER", help="Where to write.")] = None,
    json: Json = False,
) -> None:
    """Write a new experiment from a template, or a flag, with comments that say what to fill in."""
    if listing or show is not None:
        say_templates(None if listing else show, into, json=json)
        return
    if key is None:
        raise typer.BadParameter("the key is missing, like: splitrun new buy-button")
    if flag and template is not None:
        says = f"--flag and --template {template} are both given, and a flag has no template"
        raise SpecError([Mistake(says, "keep one of them")])
    chosen = template or TEMPLATES[0]
    name = verbs.begin_flag(key, into) if flag else verbs.begin_experiment(key, chosen, into)
    if json:
        say_json({"form": "splitrun.files/1", "files": [name]})
        return
    step = "say in it what is tried and why, and where the data is"
    if flag:
        step = "say in it what it serves, and to whom"
    say(f"wrote {name}\n\nnext: {step}; then splitrun lint {name}")


def say_templates(name: str | None, place: Path | None, *, json: bool) -> None:
    """Say what a template fills, or which templates there are."""
    if name is not None:
        one = verbs.show_template(name, place)
        if json:
            say_json({"form": "splitrun.template/1", **asdict(one)})
        else:
            say(one.text.rstrip())
        return
    known = verbs.told_templates(place)
    if json:
        keys = ("name", "version", "describe", "extends")
        listed = [{key: value for key, value in asdict(each).items() if key in keys} for each in known]
        say_json({"form": "splitrun.templates/1", "templates": listed})
    else:
        say("\n".join(f"{each.name}@{each.version}: {each.describe}" for each in known))


def schema(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help=f"One of {', '.join((*SCHEMAS, RULESET))}.",
            autocompletion=lambda: [*SCHEMAS, RULESET],
        ),
    ] = "experiment",
    *,
    write: Annotated[
        Path | None,
        typer.Option("--write", metavar="FOLDER", help="Write all schemas to FOLDER/.splitrun instead."),
    ] = None,
    json: Json = False,
) -> None:
    """Print the JSON Schema of a kind of file, for editors that complete and check."""
    if write is None:
        say_json(verbs.ruleset_schema() if name == RULESET else verbs.schema(name))
        return
    files = verbs.write_schemas(write)
    if json:
        say_json({"form": "splitrun.files/1", "files": list(files)})
    else:
        say("\n".join(f"wrote {path}" for path in files))
