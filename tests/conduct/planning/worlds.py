"""A shop with seven weeks of visits and orders, and an experiment that is planned on them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["EXPERIMENT", "PAST", "project", "visits_and_orders"]

SETTINGS = "project: shop\ntimezone: Europe/Berlin\nunits: {user: {key: user_id}, device: {}}\n"

SHOP = """\
sources:
  orders: {csv: data/orders.csv, unit: {user: user_id, device: user_id}, time: at}
  visits: {csv: data/visits.csv, unit: {user: user_id}, time: at}
  timeless: {csv: data/visits.csv, unit: {user: user_id}}
  strange: {csv: data/visits.csv, unit: {device: user_id}, time: at}
metrics:
  bought: {kind: share, source: orders, where: "amount > 0", window: 7d, better: higher}
  revenue: {kind: mean, source: orders, value: amount, window: 7d, better: higher}
  basket:
    kind: ratio
    over: {source: orders, value: amount}
    under: {source: orders, count: rows}
    window: 7d
    better: higher
  p90: {kind: quantile, at: 0.9, per: event, source: orders, value: amount, window: 7d, better: higher}
"""

EXPERIMENT = """\
key: checkout
title: One-page checkout
owner: payments
reviewers: [Ada]
signoffs: [Cleo]
unit: user
hypothesis:
  change: the checkout is one page instead of three
  because: 42% of carts are dropped between address and payment
  expect: {metric: bought, direction: higher, mei: 9pp}
flag: checkout-flow
variants: {control: {serve: three}, one-page: {serve: one}}
metrics:
  primary: [bought]
  guardrails: [{metric: revenue, margin: 40%, mode: watch}]
  secondary: [basket, p90]
analysis: {method: group_sequential, looks: weekly, planned_units: 1000, adjust: {covariates: [pre_period]}}
duration: {enrol: 14d}
"""

FLAGS = """\
flags:
  checkout-flow:
    type: string
    variants: {three: three, one: one}
    default: three
    rules: [{experiment: checkout}]
"""

PAST = """\
key: spring
unit: user
hypothesis:
  change: the button is green
  because: nobody saw it
  expect: {metric: bought, direction: higher, mei: 9pp}
exposures:
  {csv: data/spring.csv, unit: user_id, variant: arm, time: at, cluster: city, pre_exposure: [tenure]}
variants: {control: {}, green: {}}
metrics: {primary: [bought]}
analysis: {method: fixed}
duration: {enrol: 14d}
"""


@cache
def visits_and_orders() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Visits and orders, with their moments in UTC."""
    rng = np.random.default_rng(20260105)
    start, visits, orders = pd.Timestamp("2026-01-05", tz="UTC"), [], []
    for user in range(3_000):
        first, love = 49 * rng.random(), rng.gamma(1.0, 1.0)
        for at in first + np.cumsum(np.r_[0.0, rng.exponential(2.0, rng.poisson(0.8))]):
            if at < 49:
                visits.append((user, start + pd.Timedelta(days=at), "DE" if user % 3 else "FR"))
            if at < 49 and rng.random() < 0.15 * love:
                late = start + pd.Timedelta(days=min(48.999, at + rng.exponential(1.0)))
                orders.append((user, late, round(rng.gamma(2.0, 20.0), 2)))
    return (
        pd.DataFrame(visits, columns=["user_id", "at", "country"]).assign(
            at=lambda all_: all_["at"].dt.floor("s")
        ),
        pd.DataFrame(orders, columns=["user_id", "at", "amount"]).assign(
            at=lambda all_: all_["at"].dt.floor("s")
        ),
    )


def project(folder: Path) -> Path:
    """Write the shop into a folder, and give its experiment."""
    for name in ("data", "metrics", "experiments", "flags"):
        (folder / name).mkdir()
    visits, orders = visits_and_orders()
    visits.to_csv(folder / "data" / "visits.csv", index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    orders.to_csv(folder / "data" / "orders.csv", index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    (folder / "splitrun.yaml").write_text(SETTINGS)
    (folder / "metrics" / "shop.yaml").write_text(SHOP)
    (folder / "flags" / "flags.yaml").write_text(FLAGS)
    experiment = folder / "experiments" / "checkout.yaml"
    experiment.write_text(EXPERIMENT)
    return experiment
