"""What several of these verbs take, and how a step is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json

if TYPE_CHECKING:
    from splitrun.conduct.lifecycle.taken import Taken

__all__ = ["Environment", "Experiment", "tell"]

Experiment = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="The experiment's key.")]
Environment = Annotated[
    str | None, typer.Option("--environment", metavar="NAME", help="One of the project's; else the first.")
]


def tell(taken: Taken, *, json: bool) -> None:
    """Tell a step that was taken."""
    if json:
        say_json(verbs.step_form(taken))
        return
    lines = [headline(taken)]
    if taken.plan is not None:
        lines.append(f"  plan     {taken.plan}")
    if taken.ruleset is not None:
        lines.append(f"  ruleset  {taken.ruleset} of {taken.environment} is published, signed")
    if taken.entry is not None:
        lines.append(f"  entry    {taken.entry} of the audit chain")
    lines += [f"  note     {note}" for note in taken.notes]
    if taken.next:
        lines += ["", *(f"{'next:' if not at else '  or:'} {step}" for at, step in enumerate(taken.next))]
    say("\n".join(lines))


def headline(taken: Taken) -> str:
    """Say where an experiment stands now."""
    phase = f", phase {taken.phase}" if taken.phase else ""
    where = f"{taken.experiment} is {taken.state} in {taken.environment}: version {taken.version}{phase}"
    return f"{where} ({taken.verb} was done before; nothing was written)" if taken.repeated else where
