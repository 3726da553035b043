"""`splitrun power`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json, width
from splitrun.cli.power.words import baseline_of, number, weights_of

__all__ = ["power"]

Text = str | None
Count = int | None
Real = float | None


def power(  # noqa: PLR0913 - a command takes what its words say
    experiment: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="An experiment's YAML file; without it, ask with options."),
    ] = None,
    *,
    baselines: Annotated[
        Path | None,
        typer.Option("--baselines", metavar="FILE", help="What is known of its metrics: YAML or JSON."),
    ] = None,
    kind: Annotated[Text, typer.Option("--kind", metavar="KIND", help="share, mean or ratio.")] = None,
    baseline: Annotated[
        Text, typer.Option("--baseline", metavar="VALUE", help="Control: 12% of a share, or a mean.")
    ] = None,
    sd: Annotated[
        Real, typer.Option("--sd", metavar="NUMBER", help="Of a mean: standard deviation over units.")
    ] = None,
    over: Annotated[
        Text, typer.Option("--over", metavar="MEAN,SD", help="Of a ratio: the numerator per unit.")
    ] = None,
    under: Annotated[
        Text, typer.Option("--under", metavar="MEAN,SD", help="Of a ratio: the denominator per unit.")
    ] = None,
    correlation: Annotated[
        Real, typer.Option("--correlation", metavar="NUMBER", help="Of a ratio: of the two, over units.")
    ] = None,
    mei: Annotated[
        Text,
        typer.Option("--mei", metavar="SIZE", help="Minimum effect of interest: 1pp, 2% (relative) or 0.3."),
    ] = None,
    margin: Annotated[
        Text, typer.Option("--margin", metavar="SIZE", help="Instead of it: largest harm, to be ruled out.")
    ] = None,
    better: Annotated[
        Text, typer.Option("--better", metavar="WAY", help="Where better lies: higher or lower.")
    ] = None,
    units: Annotated[
        Count,
        typer.Option("--units", metavar="N", help="Units of all variants, where these are what is had."),
    ] = None,
    alpha: Annotated[
        Real, typer.Option("--alpha", metavar="NUMBER", help="Of all comparisons together, two-sided.")
    ] = None,
    power_asked: Annotated[
        Real, typer.Option("--power", metavar="NUMBER", help="Chance to find the effect; 0.8 by default.")
    ] = None,
    one_sided: Annotated[
        bool, typer.Option("--one-sided", help="Only the better side is of interest.")
    ] = False,
    weights: Annotated[
        Text, typer.Option("--weights", metavar="C:T", help="Of the variants, control first, like 1:1.")
    ] = None,
    treatments: Annotated[
        Count, typer.Option("--treatments", metavar="N", min=1, max=100, help="How many, of equal weight.")
    ] = None,
    primaries: Annotated[
        Count, typer.Option("--primaries", metavar="N", help="Primary metrics that share alpha.")
    ] = None,
    guardrails: Annotated[
        Count, typer.Option("--guardrails", metavar="N", help="Guardrails to be proved, which split beta.")
    ] = None,
    method: Annotated[
        Text,
        typer.Option("--method", metavar="NAME", help="fixed, group_sequential, sequential or hybrid."),
    ] = None,
    looks: Annotated[
        Count, typer.Option("--looks", metavar="N", help="Of group_sequential, equally far apart.")
    ] = None,
    spending: Annotated[
        Text, typer.Option("--spending", metavar="NAME", help="obrien_fleming, pocock, power or hsd.")
    ] = None,
    spending_parameter: Annotated[
        Real, typer.Option("--spending-parameter", metavar="NUMBER", help="Of power and hsd.")
    ] = None,
    futility: Annotated[
        bool, typer.Option("--futility", help="Stop where going on is futile (group_sequential).")
    ] = False,
    units_per_day: Annotated[
        Real, typer.Option("--units-per-day", metavar="N", help="Eligible units that come new each day.")
    ] = None,
    coverage: Annotated[
        Text, typer.Option("--coverage", metavar="SHARE", help="Share of them that is enrolled, like 50%.")
    ] = None,
    enrol: Annotated[
        Text, typer.Option("--enrol", metavar="SPAN", help="How long units are enrolled, like 21d.")
    ] = None,
    window: Annotated[
        Text, typer.Option("--window", metavar="SPAN", help="How long after exposure a unit counts, like 7d.")
    ] = None,
    any_days: Annotated[
        bool, typer.Option("--any-days", help="Do not round enrolment up to whole weeks.")
    ] = False,
    adjust_r2: Annotated[
        Real, typer.Option("--adjust-r2", metavar="R2", help="Part of the variance that adjusting explains.")
    ] = None,
    clusters: Annotated[
        Text,
        typer.Option("--clusters", metavar="SIZE,ICC", help="Units per randomised cluster, and their icc."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Answer in the documented JSON form.")] = False,
) -> None:
    """Say how many units and days it takes, what they detect, and what guardrails and looks cost."""
    given = {
        "baseline": baseline,
        "sd": sd,
        "over": over,
        "under": under,
        "correlation": correlation,
        "adjust-r2": adjust_r2,
        "clusters": clusters,
    }
    described = experiment is None or kind or any(value is not None for value in given.values())
    question: dict[str, object] = {
        "baseline": baseline_of(kind, given) if described else None,
        "mei": None if mei is None else number(mei),
        "margin": None if margin is None else number(margin),
        "better": better,
        "units": units,
        "alpha": alpha,
        "power": power_asked,
        "one_sided": one_sided or None,
        "weights": weights_of(weights, treatments),
        "primaries": primaries,
        "guardrails": guardrails,
        "method": method,
        "looks": looks,
        "spending": spending,
        "spending_parameter": spending_parameter,
        "futility": futility or None,
        "units_per_day": units_per_day,
        "coverage": None if coverage is None else number(coverage),
        "enrol": enrol,
        "window": window,
        "whole_weeks": False if any_days else None,
    }
    words = {name: value for name, value in question.items() if value is not None}
    found = verbs.power(experiment, baselines=baselines, **words)
    if json:
        say_json(found.to_dict())
    else:
        say(found.to_text(width=width()))
