"""`splitrun power`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from splitrun.cli import verbs
from splitrun.cli.console import say, say_json, width
from splitrun.cli.power import options as o
from splitrun.cli.power.words import question_of

__all__ = ["power"]


def power(  # noqa: PLR0913 - a command takes what its words say
    experiment: Annotated[Path | None, typer.Argument(metavar="FILE", help="An experiment's YAML.")] = None,
    *,
    baselines: o.Known = None,
    kind: o.Kind = None,
    baseline: o.Control = None,
    sd: o.Deviation = None,
    over: o.Over = None,
    under: o.Under = None,
    correlation: o.Correlation = None,
    mei: o.Mei = None,
    margin: o.Margin = None,
    better: o.Better = None,
    units: o.Units = None,
    alpha: o.Alpha = None,
    power: o.Chance = None,
    one_sided: o.OneSided = False,
    weights: o.Weights = None,
    treatments: o.Treatments = None,
    primaries: o.Primaries = None,
    guardrails: o.Guardrails = None,
    method: o.Method = None,
    looks: o.Looks = None,
    spending: o.Spending = None,
    spending_parameter: o.Parameter = None,
    futility: o.Futility = False,
    units_per_day: o.Daily = None,
    coverage: o.Coverage = None,
    enrol: o.Enrol = None,
    window: o.Window = None,
    any_days: o.AnyDays = False,
    adjust_r2: o.Explained = None,
    clusters: o.Clusters = None,
    json: Annotated[bool, typer.Option("--json", help="Answer in the documented JSON form.")] = False,
) -> None:
    """Say how many units and days it takes, what they detect, and what guardrails and looks cost."""
    answer(locals())


def answer(given: Mapping[str, Any]) -> None:
    """Answer what the words ask, all of them by name."""
    question = question_of(given)
    found = verbs.forecast_of(given["experiment"], given["baselines"], question)
    if given["json"]:
        say_json(found.to_dict())
    else:
        say(found.to_text(width=width()))
