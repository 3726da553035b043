"""A shop whose every number is made up by a fixed generator, and plans that ask everything of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["PLANS", "Shop", "opened"]

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""
ENROL, AFTER, BEFORE = 14, 14, 14
"""Days of enrolment, of events after it, and of events before it."""

ONE_PAGE = """
key: one-page-checkout
title: A checkout on one page
owner: payments
unit: user
hypothesis:
  change: the checkout is one page instead of three
  because: 42% of carts are dropped between address and payment
  expect: {metric: spent, direction: higher, mei: 2%}
exposures:
  csv: exposures.csv
  unit: user_id
  variant: variant
  time: exposed_at
  pre_exposure: [age, country, device]
variants: {control: {}, one-page: {}}
sources:
  orders: {csv: orders.csv, unit: user_id, time: ordered_at}
  sessions: {parquet: sessions/*.parquet, unit: user_id, time: started_at}
metrics:
  primary:
    - {key: spent, kind: mean, source: orders, value: amount, window: 7d, better: higher,
       cap: {quantile: 0.99}, describe: money from orders}
    - {key: bought, kind: share, source: orders, where: "amount > 0", window: 7d, better: higher}
    - {key: order_value, kind: ratio, window: 7d, over: {source: orders, value: amount, cap: {at: 400}},
       under: {source: orders, count: rows}, better: higher}
  guardrails:
    - {metric: {key: slow_pages, kind: quantile, at: 0.9, per: event, source: sessions, value: load_ms,
       window: 7d, better: lower}, margin: 5%, mode: prove}
    - {metric: {key: refunded, kind: share, source: orders, where: "amount < 0", window: 7d, better: lower},
       margin: 2pp, mode: watch}
  secondary:
    - {key: sessions, kind: mean, source: sessions, window: 7d, better: higher}
    - {key: articles, kind: distinct, source: orders, value: article, window: 7d, better: higher}
    - {key: back, kind: retention, source: sessions, from: 3d, to: 7d, better: higher}
    - {key: active, kind: active_days, source: sessions, window: 7d, better: higher}
  diagnostic:
    - {key: big_spender, kind: quantile, at: 0.75, per: unit, source: orders, value: amount, window: 7d,
       better: higher}
segments:
  country: {values: country}
  young: {when: "age < 30"}
analysis:
  method: group_sequential
  looks: weekly
  planned_units: 1600
  adjust: {lookback: 14d, covariates: [pre_period, age], strata: [country]}
duration: {enrol: 14d}
"""

BY_STORE = """
key: by-store
unit: user
hypothesis:
  change: staff greet people at the door
  because: people leave without asking
  expect: {metric: spent, direction: higher, mei: 2%}
exposures:
  csv: exposures.csv
  unit: user_id
  variant: variant
  time: exposed_at
  cluster: store
  pre_exposure: [age, country, device]
variants: {control: {}, one-page: {}}
sources:
  orders: {csv: orders.csv, unit: user_id, time: ordered_at}
metrics:
  primary:
    - {key: spent, kind: mean, source: orders, value: amount, window: 7d, cap: {at: 300}, better: higher}
    - {key: bought, kind: share, source: orders, where: "amount > 0", window: 7d, better: higher}
    - {key: order_value, kind: ratio, window: 7d, over: {source: orders, value: amount},
       under: {source: orders, count: rows}, better: higher}
segments: {device: {values: device}}
analysis: {method: fixed, multiplicity: holm}
"""

ANY_DAY = """
key: any-day
unit: user
hypothesis:
  change: the checkout is one page instead of three
  because: 42% of carts are dropped between address and payment
  expect: {metric: bought, direction: higher, mei: 2pp}
exposures: {csv: exposures.csv, unit: user_id, variant: variant, time: exposed_at, pre_exposure: [device]}
variants: {control: {}, one-page: {}}
sources:
  orders: {csv: orders.csv, unit: user_id, time: ordered_at}
  sessions: {parquet: sessions/*.parquet, unit: user_id, time: started_at}
metrics:
  primary:
    - {key: bought, kind: share, source: orders, where: "amount > 0", window: 7d, better: higher}
  secondary:
    - {key: sessions, kind: mean, source: sessions, window: 7d, cap: {quantile: 0.95}, better: higher}
segments: {device: {values: device}}
trigger: {source: sessions, where: "load_ms > 0"}
analysis: {method: sequential, planned_units: 1600}
"""

PLANS = {"one-page": ONE_PAGE, "by-store": BY_STORE, "any-day": ANY_DAY}
"""Experiments by the name of their file: looks and adjustment, clusters, always-valid intervals."""


@dataclass(frozen=True)
class Shop:
    """What happened."""

    exposures: pd.DataFrame
    orders: pd.DataFrame
    sessions: pd.DataFrame

    def written(self, folder: Path, plan: str, files: int = 1) -> Path:
        """Write the rows and one plan below a folder; the sessions in so many files. Give the plan's file."""
        (folder / "sessions").mkdir(parents=True, exist_ok=True)
        self.exposures.to_csv(folder / "exposures.csv", index=False)
        self.orders.to_csv(folder / "orders.csv", index=False)
        for number in range(files):
            part = self.sessions.iloc[number::files]
            part.to_parquet(folder / "sessions" / f"part-{number}.parquet", index=False)
        path = folder / f"{plan}.yaml"
        path.write_text(PLANS[plan], encoding="utf-8")
        return path

    def shuffled(self, seed: int) -> Shop:
        """The same rows in another order."""
        frames = (self.exposures, self.orders, self.sessions)
        return Shop(*(frame.sample(frac=1, random_state=seed + of) for of, frame in enumerate(frames)))


def opened(units: int = 1600, seed: int = 20260302) -> Shop:
    """Half of the visitors see the new checkout, buy more, and come more often."""
    rng = np.random.default_rng(seed)
    users = np.array([f"u{number:05}" for number in range(units)])
    treated = rng.random(units) < 0.5
    at = rng.integers(0, ENROL * 86_400, units)
    taste = rng.gamma(4.0, 0.25, units)
    exposures = pd.DataFrame(
        {
            "user_id": users,
            "variant": np.where(treated, "one-page", "control"),
            "exposed_at": stamps(at),
            "age": np.where(rng.random(units) < 0.05, np.nan, rng.integers(18, 70, units)),
            "country": rng.choice(["DE", "FR", "US"], units, p=[0.5, 0.3, 0.2]),
            "device": rng.choice(["phone", "desk"], units),
            "store": [f"s{number:02}" for number in rng.integers(0, 40, units)],
        }
    )
    span = (ENROL + AFTER + BEFORE) * 86_400
    shown = np.repeat(np.arange(units), rng.poisson(9 * taste * (1 + 0.25 * treated)))
    sessions = pd.DataFrame(
        {
            "user_id": users[shown],
            "started_at": stamps(rng.integers(0, span, len(shown)) - BEFORE * 86_400),
            "load_ms": np.round(rng.lognormal(6 - 0.02 * treated[shown], 0.5), 1),
        }
    )
    buys = np.repeat(np.arange(units), rng.poisson(4 * taste * (1 + 0.1 * treated)))
    amount = np.round(rng.lognormal(3.2 + 0.3 * taste[buys], 0.9), 2)
    orders = pd.DataFrame(
        {
            "user_id": users[buys],
            "ordered_at": stamps(rng.integers(0, span, len(buys)) - BEFORE * 86_400),
            "amount": np.where(rng.random(len(buys)) < 0.04, -amount, amount),
            "article": rng.choice(["cup", "pan", "pot", "lid", "fork"], len(buys)),
        }
    )
    return Shop(exposures, orders, sessions)


def stamps(seconds: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[str]:
    """Moments so many seconds after the start."""
    return [(START + timedelta(seconds=int(second))).isoformat() for second in seconds]
