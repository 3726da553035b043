"""`splitrun audit-assignment`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli.console import desk, say, say_json
from splitrun.conduct.audit import Audited, audit
from splitrun.measure.audit import EXPLAINED, Example

__all__ = ["audit_assignment"]

UNEXPLAINED = 4


def audit_assignment(  # noqa: PLR0913 - a command takes what its words say
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="The experiment's key.")],
    *,
    exposures: Annotated[
        Path, typer.Option("--exposures", metavar="FILE", help="Logged exposures: .jsonl, .parquet or .csv.")
    ],
    ruleset: Annotated[
        list[Path] | None,
        typer.Option("--ruleset", metavar="PATH", help="A ruleset that was in use, or a project; repeat it."),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option("--environment", metavar="NAME", help="One of the project's; else the first."),
    ] = None,
    show_ids: Annotated[bool, typer.Option("--show-ids", help="Show the unit ids of examples.")] = False,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL that was run.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Recompute every logged exposure, and tell apart what does not agree."""
    with desk() as table:
        done = audit(experiment, exposures, ruleset or [Path()], environment=environment, desk=table)
    if json:
        say_json(as_json(done, show_ids=show_ids))
    else:
        say("\n".join(lines(done, show_ids=show_ids)))
        if sql:
            say("\n".join(f"\n-- {one.name}\n{one.sql};" for one in done.sql))
    if done.found.unexplained:
        raise typer.Exit(UNEXPLAINED)


def shown(example: Example, *, show_ids: bool) -> dict[str, object]:
    """An example, without its id unless it is asked for."""
    return {name: value for name, value in asdict(example).items() if show_ids or name != "unit"}


def as_json(done: Audited, *, show_ids: bool) -> dict[str, object]:
    """The audit in the form `splitrun.audit/1`."""
    found = done.found
    return {
        "form": "splitrun.audit/1",
        "experiment": done.experiment,
        "rulesets": list(done.rulesets),
        "exposures": found.exposures,
        "unexplained": found.unexplained,
        "unchecked": list(done.unchecked),
        "counts": [
            {
                "stands": str(stands),
                "explained": stands in EXPLAINED,
                "exposures": count,
                "examples": [shown(one, show_ids=show_ids) for one in found.examples[stands]],
            }
            for stands, count in found.counts.items()
        ],
        "sql": [asdict(one) for one in done.sql],
    }


def lines(done: Audited, *, show_ids: bool) -> list[str]:
    """The audit in lines."""
    found = done.found
    versions = ", ".join(map(str, done.rulesets))
    many = "exposure" if found.exposures == 1 else "exposures"
    told = [f"{done.experiment}: {found.exposures:,} {many} against ruleset {versions}"]
    for stands, count in found.counts.items():
        mark = "  " if stands in EXPLAINED else "! "
        told.append(f"{mark}{stands:<22}{count:>12,}")
        if stands != "ok":
            told += [f"      {described(one, show_ids=show_ids)}" for one in found.examples[stands]]
    if done.unchecked:
        told.append(f"not recomputed: the audience; exposures do not carry {', '.join(done.unchecked)}")
    are = "is" if found.unexplained == 1 else "are"
    end = f"{found.unexplained:,} {are} not explained" if found.unexplained else "every exposure is explained"
    return [*told, end]


def described(one: Example, *, show_ids: bool) -> str:
    """One exposure in words."""
    unit = f" unit {one.unit!r}" if show_ids else ""
    gate = "" if one.gate == "inside" else f", turned away by {one.gate}"
    return f"row {one.row}:{unit} logged {one.variant!r}, due {one.due!r}{gate} (ruleset {one.ruleset})"
