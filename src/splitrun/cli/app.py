"""The `splitrun` command: its families of verbs, and what a mistake looks like from outside."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from splitrun import __version__
from splitrun.cli import analysis, assignment, audit, doctor, project
from splitrun.cli.console import complain, say, say_json
from splitrun.errors import (
    DataError,
    EngineError,
    ExpressionError,
    RulesetError,
    SpecError,
    SplitrunError,
)

__all__ = ["EXITS", "app", "run"]

EXITS: dict[type[SplitrunError], int] = {
    SpecError: 3,
    ExpressionError: 3,
    RulesetError: 3,
    DataError: 4,
    EngineError: 5,
}
"""Exit code by what the caller has to mend; 0 is success, 1 our own fault, 2 a wrong word."""

OURS = 1
DEBUG = "SPLITRUN_DEBUG"
"""Environment variable: when set, a fault of ours shows its traceback."""

app = typer.Typer(
    name="splitrun",
    help="Feature experiments with evidence you can re-run.",
    epilog="Exit codes: 0 done · 1 Splitrun's own fault · 2 wrong words on the command line · 3 a file needs "
    "mending · 4 the data needs mending · 5 the engine refused · 130 interrupted.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def version(asked: bool) -> None:  # noqa: FBT001 - the shape typer calls
    """Print the version and stop."""
    if asked:
        say(f"splitrun {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Feature experiments with evidence you can re-run."""


app.command("analyze")(analysis.analyze)
app.command("lint")(project.lint)
app.command("init")(project.init)
app.command("new")(project.new)
app.command("schema")(project.schema)
app.command("ruleset")(assignment.ruleset)
app.command("explain")(assignment.explain)
app.command("audit-assignment")(audit.audit_assignment)
app.command("doctor")(doctor.doctor)


def as_json(error: SplitrunError) -> dict[str, object]:
    """An error in the documented JSON form `splitrun.error/1`."""
    match error:
        case SpecError(mistakes=mistakes):
            listed = [asdict(mistake) for mistake in mistakes]
        case _:
            listed = []
    return {
        "form": "splitrun.error/1",
        "error": type(error).__name__,
        "says": str(error),
        "mistakes": listed,
    }


def run(words: list[str] | None = None) -> None:
    """Run the command line and leave with the exit code of the table."""
    given = sys.argv[1:] if words is None else words
    try:
        app(args=given, prog_name="splitrun")
    except SplitrunError as error:
        if "--json" in given:
            say_json(as_json(error))
        complain(str(error))
        raise SystemExit(EXITS[type(error)]) from None
    except BrokenPipeError:
        # whoever read us has left; keep the interpreter from complaining about it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(OURS) from None
    except Exception as error:
        if DEBUG in os.environ:
            raise
        complain(
            f"this is a fault of splitrun {__version__}, not yours: {type(error).__name__}: {error}; "
            f"nothing was changed; run it again with {DEBUG}=1 and report what it prints"
        )
        raise SystemExit(OURS) from None
