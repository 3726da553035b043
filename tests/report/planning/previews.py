"""Previews that tell everything there is to tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from splitrun.errors import Mistake
from splitrun.plan.power.forecast import forecast
from splitrun.plan.power.planned import planned
from splitrun.plan.power.setting import Advice
from splitrun.plan.seal import digest
from splitrun.plan.sealing.canonical import canonical
from splitrun.plan.sealing.deviations import Deviation
from splitrun.report.planning.preview import Preview, Rule, Seal, Standing
from splitrun.spec.plan import Plan
from splitrun.spec.power.baselines import Baselines
from tests.plan.power.plans import KNOWN, PROVING, known
from tests.spec.texts import plan_of

__all__ = ["full", "of_plan"]


def of_plan(plan: Plan, baselines: str = KNOWN) -> Preview:
    """What is told of a plan of which something is known."""
    whole = plan.model_copy(update={"baselines": known(baselines)})
    return Preview(
        plan=whole,
        digest=digest(whole),
        canonical=canonical(whole),
        forecast=forecast(planned(whole, whole.baselines or Baselines())),
        refusals=(),
        rules=(),
        advice=(),
        file=None,
        age=None,
        start=date(2026, 3, 2),
        standing=None,
    )


def full() -> Preview:
    """Everything at once."""
    text = PROVING + (
        "reviewers: [Ada]\nsignoffs: [Cleo]\nwaivers: {underpowered: a pilot}\n"
        "audience: \"country = 'DE'\"\nassumptions: [no campaign]\n"
    )
    plan = plan_of(text)
    away = Deviation("analysis.alpha", "0.05", "0.1", confirmatory=True)
    seal = Seal("sha256:00", 2, 1, datetime(2026, 2, 1, tzinfo=UTC), "ann", (away,))
    return replace(
        of_plan(plan),
        refusals=(Mistake("it is wrong", "mend it", "duration"),),
        rules=(
            Rule("alpha", "alpha is large", "write less", "analysis.alpha", None),
            Rule("salts", "a salt is named", "take it out", "salt", "it was dealt before"),
        ),
        advice=(Advice("slow", "it is slow", "be quick"),),
        file="baselines/checkout.yaml",
        age=3,
        standing=Standing(
            "registry.db", applied=True, differs=(away,), states=(("production", "running"),), seal=seal
        ),
    )
