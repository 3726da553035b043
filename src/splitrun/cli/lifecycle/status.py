"""`splitrun status`: where experiments stand, and what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.cli.lifecycle.words import Environment
from splitrun.cli.registry.words import Folder, Json

if TYPE_CHECKING:
    from splitrun.conduct.lifecycle.standing import History, Lives, Moved, Sealed

__all__ = ["status"]


def status(
    experiment: Annotated[
        str | None, typer.Argument(metavar="[EXPERIMENT]", help="One experiment; else all.")
    ] = None,
    *,
    environment: Environment = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Show where experiments stand: state, version, phase, owner, next step; of one also its history."""
    if experiment is None:
        found = verbs.lives(folder, environment)
        if json:
            say_json(verbs.status_form(found))
        else:
            say("\n".join(listed(found)))
        return
    one = verbs.history(experiment, folder, environment)
    if json:
        say_json(verbs.life_form(one))
    else:
        say("\n".join(told(one)))


def listed(found: Lives) -> list[str]:
    """Every experiment on a line."""
    rows = [("experiment", "state", "version", "phase", "since", "owner", "next")]
    rows += [
        (
            one.experiment,
            one.state,
            str(one.version),
            str(one.phase or "-"),
            day(one.since),
            one.owner or "nobody",
            one.next[0] if one.next else "nothing",
        )
        for one in found.experiments
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]
    return [f"{found.project}, {found.environment}", *lines]


def day(moment: str | None) -> str:
    """The day and minute of a moment, in UTC."""
    return "-" if moment is None else moment[:16].replace("T", " ")


def told(one: History) -> list[str]:
    """One experiment with its history."""
    stands = one.stands
    title = f" · {stands.title}" if stands.title else ""
    where = f"{stands.state} in {one.environment} since {day(stands.since)}"
    lines = [
        f"{stands.experiment}{title}",
        f"  {where}, {dealt(stands.version, stands.phase)}; owner {stands.owner or 'nobody'}",
    ]
    if stands.plan is not None:
        lines.append(f"  plan in force {stands.plan}")
    if stands.concluded is not None:
        lines.append(f"  {stands.concluded}")
    if one.signoffs:
        lines.append(f"  must be signed off by {', '.join(one.signoffs)}")
    lines += [f"  {each.actor} agreed to {each.step} {each.digest}" for each in one.agreed]
    lines += ["", "steps", *(f"  {step(each)}" for each in one.moves)] if one.moves else []
    lines += ["", "plans", *(f"  {plan(each)}" for each in one.plans)] if one.plans else []
    lines += [""] if stands.next else []
    return lines + [f"{'next:' if not at else '  or:'} {each}" for at, each in enumerate(stands.next)]


def step(one: Moved) -> str:
    """One step on a line."""
    where = dealt(one.version, one.phase)
    return f"{day(one.at)}  {one.verb:<10} {one.state:<10} {where}  {one.actor}: {one.reason}"


def dealt(version: int, phase: int) -> str:
    """Which deal of the units, and which stretch of it."""
    return f"version {version}{f', phase {phase}' if phase else ''}"


def plan(one: Sealed) -> str:
    """One sealed plan on a line."""
    name = f"version {one.version}" + (f", amendment {one.amendment}" if one.amendment else "")
    late = f"  late: {one.facts['late']}" if "late" in one.facts else ""
    lost = "  exploratory where amended" if one.facts.get("confirmatory") is False else ""
    force = "  in force" if one.in_force else ""
    return f"{day(one.at)}  {name}  {one.digest}  {one.actor}{force}{late}{lost}"
