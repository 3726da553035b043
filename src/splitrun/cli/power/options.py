"""The options of `splitrun power`, by the names that its command gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Alpha", "AnyDays", "Better", "Chance", "Clusters", "Control", "Correlation", "Coverage", "Daily",
    "Deviation", "Enrol", "Explained", "Futility", "Guardrails", "Kind", "Known", "Looks", "Margin", "Mei",
    "Method", "OneSided", "Over", "Parameter", "Primaries", "Spending", "Treatments", "Under", "Units",
    "Weights", "Window",
]  # fmt: skip

Text = str | None
Count = int | None
Real = float | None

Known = Annotated[
    Path | None,
    typer.Option("--baselines", metavar="FILE", help="What is known of its metrics: YAML or JSON."),
]
Kind = Annotated[Text, typer.Option("--kind", metavar="KIND", help="share, mean or ratio.")]
Control = Annotated[
    Text, typer.Option("--baseline", metavar="VALUE", help="Control: 12% of a share, or a mean.")
]
Deviation = Annotated[
    Real, typer.Option("--sd", metavar="NUMBER", help="Of a mean: standard deviation over units.")
]
Over = Annotated[Text, typer.Option("--over", metavar="MEAN,SD", help="Of a ratio: the numerator per unit.")]
Under = Annotated[
    Text, typer.Option("--under", metavar="MEAN,SD", help="Of a ratio: the denominator per unit.")
]
Correlation = Annotated[
    Real, typer.Option("--correlation", metavar="NUMBER", help="Of a ratio: of the two, over units.")
]
Mei = Annotated[
    Text,
    typer.Option("--mei", metavar="SIZE", help="Minimum effect of interest: 1pp, 2% (relative) or 0.3."),
]
Margin = Annotated[
    Text, typer.Option("--margin", metavar="SIZE", help="Instead of it: largest harm, to be ruled out.")
]
Better = Annotated[Text, typer.Option("--better", metavar="WAY", help="Where better lies: higher or lower.")]
Units = Annotated[
    Count, typer.Option("--units", metavar="N", help="Units of all variants, where these are what is had.")
]
Alpha = Annotated[
    Real, typer.Option("--alpha", metavar="NUMBER", help="Of all comparisons; 0.05, of a margin 0.025.")
]
Chance = Annotated[
    Real, typer.Option("--power", metavar="NUMBER", help="Chance to find the effect; 0.8 by default.")
]
OneSided = Annotated[bool, typer.Option("--one-sided", help="Only the better side is of interest.")]
Weights = Annotated[
    Text, typer.Option("--weights", metavar="C:T", help="Of the variants, control first, like 1:1.")
]
Treatments = Annotated[
    Count, typer.Option("--treatments", metavar="N", min=1, max=100, help="How many, of equal weight.")
]
Primaries = Annotated[
    Count, typer.Option("--primaries", metavar="N", help="Primary metrics that share alpha.")
]
Guardrails = Annotated[
    Count, typer.Option("--guardrails", metavar="N", help="Guardrails to be proved, which split beta.")
]
Method = Annotated[
    Text, typer.Option("--method", metavar="NAME", help="fixed, group_sequential, sequential or hybrid.")
]
Looks = Annotated[Count, typer.Option("--looks", metavar="N", help="Of group_sequential, equally far apart.")]
Spending = Annotated[
    Text, typer.Option("--spending", metavar="NAME", help="obrien_fleming, pocock, power or hsd.")
]
Parameter = Annotated[Real, typer.Option("--spending-parameter", metavar="NUMBER", help="Of power and hsd.")]
Futility = Annotated[
    bool, typer.Option("--futility", help="Stop where going on is futile (group_sequential).")
]
Daily = Annotated[
    Real, typer.Option("--units-per-day", metavar="N", help="Eligible units that come new each day.")
]
Coverage = Annotated[
    Text, typer.Option("--coverage", metavar="SHARE", help="Share of them that is enrolled, like 50%.")
]
Enrol = Annotated[
    Text, typer.Option("--enrol", metavar="SPAN", help="How long units are enrolled, like 21d.")
]
Window = Annotated[
    Text, typer.Option("--window", metavar="SPAN", help="How long after exposure a unit counts, like 7d.")
]
AnyDays = Annotated[bool, typer.Option("--any-days", help="Do not round enrolment up to whole weeks.")]
Explained = Annotated[
    Real, typer.Option("--adjust-r2", metavar="R2", help="Part of the variance that adjusting explains.")
]
Clusters = Annotated[
    Text, typer.Option("--clusters", metavar="SIZE,ICC", help="Units per randomised cluster, and their icc.")
]
