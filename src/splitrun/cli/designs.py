"""`splitrun assign`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json
from splitrun.errors import Mistake, SpecError

__all__ = ["assign"]

DESIGNS = ("simple", "blocked", "cluster", "switchback", "salt-search")
"""Told and completed without loading what they are made of; a test holds them to it."""

SINGULAR = {"variants": "variant", "covariates": "covariate", "strata": "stratum"}
"""Options that are given once for each."""
OPTIONS = frozenset(
    {
        *SINGULAR, "design", "key", "seed", "unit", "cluster", "small", "draw", "salt", "version",
        "candidates", "score", "start", "zone", "period", "periods", "burn_in", "cycle", "most_in_row",
    }
)  # fmt: skip
"""What designs call what is typed; a test holds them to it."""

Frame = Annotated[Path | None, typer.Argument(metavar="FRAME", help="CSV or Parquet with a row per unit.")]
Design = Annotated[
    str,
    typer.Option("--design", help=f"One of {', '.join(DESIGNS)}.", autocompletion=lambda: list(DESIGNS)),
]
Key = Annotated[str | None, typer.Option("--key", help="The experiment's key; gives the seed.")]
Seed = Annotated[int | None, typer.Option("--seed", help="Where the draw begins.")]
Unit = Annotated[
    str | None,
    typer.Option("--unit", metavar="COLUMN", help="The unit's id, or `row`; or the region."),
]
Variants = Annotated[
    list[str] | None,
    typer.Option("--variant", metavar="KEY[=WEIGHT]", help="A variant; once for each, control among them."),
]
Covariates = Annotated[
    list[str] | None,
    typer.Option("--covariate", metavar="COLUMN", help="A column whose balance is reported; several times."),
]
Strata = Annotated[
    list[str] | None,
    typer.Option("--stratum", metavar="COLUMN", help="blocked, cluster: a column of strata; several times."),
]
ClusterColumn = Annotated[
    str | None, typer.Option("--cluster", metavar="COLUMN", help="cluster: what stays together.")
]
Small = Annotated[
    str | None, typer.Option("--small", help="blocked, cluster: pool, keep or refuse small strata.")
]
Draw = Annotated[str | None, typer.Option("--draw", help="simple: exact counts, or hash as online.")]
Salt = Annotated[str | None, typer.Option("--salt", help="simple by hash: the salt.")]
Version = Annotated[
    int | None, typer.Option("--version", metavar="N", help="salt-search: the experiment's version.")
]
Candidates = Annotated[
    int | None, typer.Option("--candidates", metavar="N", help="salt-search: how many salts are tried.")
]
Score = Annotated[str | None, typer.Option("--score", help="salt-search: largest or mahalanobis.")]
Start = Annotated[
    str | None, typer.Option("--start", metavar="MOMENT", help="switchback: when the first period begins.")
]
Zone = Annotated[str | None, typer.Option("--zone", help="switchback: the time zone of the clock.")]
Length = Annotated[
    str | None, typer.Option("--period", metavar="SPAN", help="switchback: how long a period is.")
]
Periods = Annotated[
    int | None, typer.Option("--periods", metavar="N", help="switchback: how many there are.")
]
BurnIn = Annotated[
    str | None, typer.Option("--burn-in", metavar="SPAN", help="switchback: not counted after a switch.")
]
Cycle = Annotated[str | None, typer.Option("--cycle", help="switchback: day, week or none.")]
MostInRow = Annotated[
    int | None,
    typer.Option("--most-in-row", metavar="N", help="switchback: of one variant in a row."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write the table (.csv, .parquet), and its report."),
]
Force = Annotated[bool, typer.Option("--force", help="Write over files of these names.")]
Json = Annotated[bool, typer.Option("--json", help="Answer in the documented JSON form.")]


def assign(  # noqa: PLR0913 - a command takes what its words say
    frame: Frame = None,
    *,
    design: Design = "simple",
    key: Key = None,
    seed: Seed = None,
    unit: Unit = None,
    variant: Variants = None,
    covariate: Covariates = None,
    stratum: Strata = None,
    cluster: ClusterColumn = None,
    small: Small = None,
    draw: Draw = None,
    salt: Salt = None,
    version: Version = None,
    candidates: Candidates = None,
    score: Score = None,
    start: Start = None,
    zone: Zone = None,
    period: Length = None,
    periods: Periods = None,
    burn_in: BurnIn = None,
    cycle: Cycle = None,
    most_in_row: MostInRow = None,
    output: Output = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Deal the units of a frame to variants by a design; answer with counts and balance."""
    if output is not None:
        verbs.free(output, force=force, frame=frame)
    with as_typed(), verbs.desk() as table:
        made = verbs.assignment(
            frame, desk=table, design=design, key=key, seed=seed, unit=unit, variants=weighed(variant),
            covariates=covariate or None, strata=stratum or None, cluster=cluster, small=small, draw=draw,
            salt=salt, version=version, candidates=candidates, score=score, start=start, zone=zone,
            period=period, periods=periods, burn_in=burn_in, cycle=cycle, most_in_row=most_in_row,
        )  # fmt: skip
    kept = () if output is None else made.write(output, force=force)
    written = f"\n\nwritten: {', '.join(kept)}" if kept else ""
    return say_json(made.to_dict()) if json else say(made.says + written)


@contextmanager
def as_typed() -> Iterator[None]:
    """Tell mistakes in the words that were typed: `--stratum` for `strata`.

    Raises:
        SpecError: The same mistakes.
    """
    try:
        yield
    except SpecError as error:
        raise SpecError([typed(mistake) for mistake in error.mistakes]) from error


def typed(mistake: Mistake) -> Mistake:
    """Write the names of a design's options as those of the command line."""
    first, dot, rest = mistake.path.partition(".")
    path = f"{option(first)}{dot}{rest}" if first in OPTIONS else mistake.path
    return replace(mistake, says=reworded(mistake.says), next=reworded(mistake.next), path=path)


def reworded(says: str) -> str:
    """Write `strata` as `--stratum`, and `draw: hash` as `--draw hash`."""

    def written(found: re.Match[str]) -> str:
        name, value = found.groups()
        return found[0] if name not in OPTIONS else f"`{option(name)}{f' {value}' if value else ''}`"

    return re.sub(r"`(\w+)(?:: ([^`]+))?`", written, says)


def option(name: str) -> str:
    """Name the option of the command line that says it."""
    return f"--{SINGULAR.get(name, name).replace('_', '-')}"


def weighed(said: list[str] | None) -> dict[str, int] | None:
    """Variants with their weights, from `KEY` or `KEY=WEIGHT`; none where nothing was said.

    Raises:
        SpecError: A weight is no whole number, or a variant comes twice.
    """
    if not said:
        return None
    weights: dict[str, int] = {}
    for each in said:
        key, _, weight = each.partition("=")
        if key in weights:
            raise SpecError([Mistake(f"the variant {key!r} is given twice", "give it once", "variants")])
        if weight and not weight.lstrip("-").isdecimal():
            says = f"{weight!r} is no weight of the variant {key!r}"
            raise SpecError([Mistake(says, "write a whole number, like treatment=2", "variants")])
        weights[key] = int(weight or 1)
    return weights
