"""An experiment with guardrails to prove, and what is known of it."""

from __future__ import annotations

from splitrun.plan.power.forecast import Forecast, Need, forecast
from splitrun.plan.power.planned import planned
from splitrun.plan.power.questioned import questioned
from splitrun.spec.power.baselines import Baselines, read_baselines
from splitrun.spec.power.question import read_question
from tests.spec.texts import GOOD, plan_of

__all__ = ["KNOWN", "PROVING", "RULES", "answered", "forecast_of", "known", "need"]

RULES = "analysis: {method: fixed, alpha: 0.05}\nduration: {enrol: 14d}"

PROVING = GOOD.replace(
    "  guardrails: [{metric: refunds, margin: 1pp}]\n",
    """\
  guardrails:
    - {metric: refunds, margin: 1pp, mode: prove}
    - metric: {key: delays, kind: mean, source: orders, value: delay, window: 1d, better: lower}
      margin: 5%
      mode: prove
""",
).replace("  secondary: [revenue]\n", "  secondary: [revenue, basket]\n")

KNOWN = """\
units_per_day: 4000
metrics:
  bought: {share: 12%}
  refunds: {share: 2%}
  delays: {mean: 3, sd: 5}
  revenue: {mean: 8, sd: 20}
  basket: {over: {mean: 8, sd: 20}, under: {mean: 0.4, sd: 1}, correlation: 0.7}
"""


def known(text: str = KNOWN) -> Baselines:
    return read_baselines(text, "known.yaml").value


def forecast_of(text: str, baselines: str = KNOWN) -> Forecast:
    return forecast(planned(plan_of(text), known(baselines)))


def answered(**question: object) -> Forecast:
    return forecast(questioned(read_question({"baseline": "12%", "mei": "1pp", **question}).value))


def need(found: Forecast, metric: str) -> Need:
    return next(each for each in found.needs if each.metric == metric)
