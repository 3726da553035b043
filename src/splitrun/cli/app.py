"""The `splitrun` command: its families of verbs, and what a mistake looks like from outside."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from splitrun import __version__
from splitrun.cli import assignment, audit, designs, doctor, project, verbs
from splitrun.cli.console import complain, say, say_json
from splitrun.cli.data import kept
from splitrun.cli.definitions import commands
from splitrun.cli.lifecycle import moves, people, seals, status
from splitrun.cli.people import wishes
from splitrun.cli.planning import baseline, plan
from splitrun.cli.power import command
from splitrun.cli.reading import analysis, looking, regions
from splitrun.cli.registry import chain, keys, upkeep
from splitrun.cli.serving import access, demo, kills, replay, serve
from splitrun.errors import (
    BusyError,
    ConflictError,
    DataError,
    EngineError,
    ExpressionError,
    Mistake,
    RefusedError,
    RulesetError,
    SettingError,
    SpecError,
    SplitrunError,
    StoreError,
)

__all__ = ["EXITS", "app", "run"]

EXITS: dict[type[SplitrunError], int] = {
    SpecError: 3,
    ExpressionError: 3,
    RulesetError: 3,
    SettingError: 3,
    DataError: 4,
    EngineError: 5,
    StoreError: 5,
    BusyError: 5,
    ConflictError: 6,
    RefusedError: 7,
}
"""Exit code by what the caller has to mend; 0 is success, 1 our own fault, 2 a wrong word."""

OURS = 1
DEBUG = "SPLITRUN_DEBUG"
"""Environment variable: when set, a fault of ours shows its traceback."""

app = typer.Typer(
    name="splitrun",
    help="Feature experiments with evidence you can re-run.",
    epilog="Exit codes: 0 done · 1 Splitrun's own fault · 2 wrong words on the command line · 3 a file needs "
    "mending · 4 the data needs mending · 5 the engine or the disk refused · 6 something was changed "
    "meanwhile · 7 a rule does not allow this step now · 8 files and registry differ · 130 interrupted.",
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


for name, verb, brief in (
    ("analyze", analysis.analyze, "Read an experiment: effects, intervals, verdicts, doubts."),
    ("readout", looking.readout, "Read an experiment by its sealed plan; the look is recorded."),
    ("measure", regions.measure, "Write a region's moments to a signed file; its rows stay at home."),
    ("power", command.power, "Plan how many units and days an experiment takes, and what it can see."),
    ("baseline", baseline.baseline, "Measure on history what an experiment starts from."),
    ("plan", plan.plan, "Show what `register` would seal: the plan in words, its size, what is in its way."),
    ("assign", designs.assign, "Deal the units of a frame to variants, and tell how alike these are."),
    ("lint", project.lint, "Check files or a whole project, with place and remedy."),
    ("init", project.init, "Write a small project that works, to start from."),
    ("new", project.new, "Write a new experiment from a template."),
    ("schema", project.schema, "Print the JSON Schema of a kind of file, for editors."),
    ("diff", commands.diff, "Show how the files differ from the registry, and what follows from it."),
    ("apply", commands.apply, "Bring the registry in line with the files; the difference is shown first."),
    ("export", commands.export, "Write the definitions that the registry keeps back as files."),
    ("ruleset", assignment.ruleset, "Compile flags and experiments into the file that clients take."),
    ("explain", assignment.explain, "Show what a flag serves a unit, and the path that leads there."),
    ("audit-assignment", audit.audit_assignment, "Recompute every logged exposure in SQL."),
    ("register", seals.register, "Seal the plan of an experiment, before its first exposure."),
    ("sign-off", people.sign_off, "Sign off the plan in force, by its digest."),
    ("approve", people.approve, "Approve a step of somebody else, by the digest of what is approved."),
    ("amend", seals.amend, "Change a sealed plan, with what had been seen by then."),
    ("decide", people.decide, "Record what is decided, and from which readout."),
    ("restart", seals.restart, "Seal a new version that deals all units afresh."),
    ("status", status.status, "Show where experiments stand, and what comes next."),
    ("migrate", upkeep.migrate, "Bring the registry to the schema of this version."),
    ("backup", upkeep.backup, "Copy the registry while others write to it."),
    ("restore", upkeep.restore, "Put a backup into an empty registry."),
    ("serve", serve.serve, "Serve rulesets, take events, fill the lake."),
    ("kill", kills.kill, "Switch a flag off in every client within two seconds."),
    ("unkill", kills.unkill, "Let a flag that was killed serve again."),
    ("demo", demo.demo, "Show the whole loop on this machine, with made-up visitors."),
    ("replay", replay.replay, "Send dead letters on their way to the lake again."),
    ("opt-out", wishes.opt_out, "Keep nothing more of units, and leave them out of every reading."),
    ("forget", wishes.forget, "Erase what is kept of units from every file; with a certificate."),
    ("subject-export", wishes.subject_export, "Give all that is kept of one unit."),
    ("data-map", kept.data_map, "Show every field that is kept, with its policy."),
    ("retention", kept.retention, "Prove that nothing is kept longer than it may."),
    ("doctor", doctor.doctor, "Look at this machine and say what would not work."),
):
    app.command(name, short_help=brief)(verb)
for name, brief in moves.MOVES.items():
    app.command(name, short_help=brief)(moves.mover(name))
app.add_typer(keys.app)
app.add_typer(access.app)
app.add_typer(chain.app)


def misspelt(error: typer.TyperException) -> dict[str, object]:
    """Wrong words on the command line in that form."""
    says = error.format_message()
    return verbs.trouble_form(
        "UsageError", says, [Mistake(says, "see what the verb takes: splitrun VERB --help")]
    )


def run(words: list[str] | None = None) -> None:
    """Run the command line and leave with the exit code of the table."""
    given = sys.argv[1:] if words is None else words
    wants_json = "--json" in given
    try:
        # on its own feet typer prints wrong words with the usage and leaves; programs want them in JSON
        sys.exit(app(args=given, prog_name="splitrun", standalone_mode=not wants_json))
    except SplitrunError as error:
        if wants_json:
            say_json(verbs.error_form(error))
        complain(str(error))
        raise SystemExit(EXITS[type(error)]) from None
    except typer.TyperException as error:
        say_json(misspelt(error))
        complain(error.format_message())
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        # whoever read us has left; keep the interpreter from complaining about it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(OURS) from None
    except Exception as error:
        if DEBUG in os.environ:
            raise
        says = (
            f"this is a fault of splitrun {__version__}, not yours: {type(error).__name__}: {error}; "
            f"nothing was changed; run it again with {DEBUG}=1 and report what it prints"
        )
        if wants_json:
            say_json(verbs.trouble_form("Fault", says))
        complain(says)
        raise SystemExit(OURS) from None
