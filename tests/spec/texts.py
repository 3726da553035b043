"""A good experiment in one file, to be spoiled one thing at a time."""

from __future__ import annotations

from splitrun.errors import SpecError
from splitrun.plan.library import library
from splitrun.plan.seal import sealed
from splitrun.spec.plan import Plan
from splitrun.spec.reading import Draft, read_definitions, read_experiment

__all__ = ["GOOD", "SHOP", "mistakes", "plan_of"]

GOOD = """\
key: checkout
unit: user
hypothesis:
  change: one page instead of three
  because: carts are dropped on the way
  expect: {metric: bought, direction: higher, mei: 1pp}
exposures:
  csv: exposures.csv
  unit: user_id
  variant: arm
  time: seen_at
  pre_exposure: [country]
variants: {control: {}, one-page: {}}
sources:
  clicks: {csv: clicks.csv, unit: user_id, time: at}
metrics:
  primary: [{key: bought, kind: share, source: orders, where: "amount > 0", window: 7d, better: higher}]
  guardrails: [{metric: refunds, margin: 1pp}]
  secondary: [revenue]
segments: [country]
analysis: {method: fixed, alpha: 0.05}
duration: {enrol: 14d}
ramp: [{coverage: 10%, hold: 1d}, {coverage: 50%}]
"""

SHOP = """\
sources:
  orders: {csv: orders.csv, unit: {user: user_id}, time: at}
  visits: {csv: visits.csv, unit: {device: device_id}}
metrics:
  refunds: {kind: share, source: orders, where: "amount < 0", window: 7d, better: lower}
  revenue: {kind: mean, source: orders, value: amount, window: 7d, better: higher}
  basket: {kind: ratio, over: {source: orders, value: amount}, under: {source: orders, count: rows}, better: higher}
  pages: {kind: mean, source: visits, better: higher}
  waits: {kind: mean, source: visits, window: 1d, better: lower}
segments:
  country: {values: country}
  tier: {values: tier}
groups:
  money: [revenue, basket]
"""


def plan_of(text: str, others: dict[str, Draft] | None = None) -> Plan:
    """Seal an experiment with the shop's library."""
    return sealed(
        read_experiment(text, "checkout.yaml"), library([read_definitions(SHOP, "shop.yaml")]), None, others
    )


def mistakes(text: str) -> list[str]:
    """Give what is wrong with an experiment, a line for each mistake."""
    try:
        plan_of(text)
    except SpecError as error:
        return [str(mistake) for mistake in error.mistakes]
    return []
