"""A small project on disk: a checkout that was tried on 400 units, and a registry to seal its plan in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from splitrun.conduct.experiment import plan_of
from splitrun.conduct.registry.place import home
from splitrun.plan.sealing.canonical import canonical as sealed_text
from splitrun.spec.plan import Plan
from splitrun.store.canonical import Json, canonical
from splitrun.store.chain.entry import Entry, Remark
from splitrun.store.registry.change import Change, Seal
from splitrun.store.registry.documents import SealedPlan

__all__ = ["AFTER", "EXPERIMENT", "SEALED", "looks", "project", "seal"]

SEALED = datetime(2026, 11, 2, 8, tzinfo=UTC)
FIRST = datetime(2026, 11, 3, 0, tzinfo=UTC)
AFTER = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""The planned end is 15 days after the first exposure: enrolment, and a day for the last unit."""

EXPERIMENT = """\
key: checkout
title: One page
owner: payments
unit: user
hypothesis:
  change: the checkout is one page instead of three
  because: carts are dropped between address and payment
  expect: {metric: bought, direction: higher, mei: 5pp}
sources:
  orders: {csv: orders.csv, unit: user, time: at}
exposures: {csv: exposures.csv, unit: user, variant: arm, time: at, pre_exposure: [country, tenure]}
variants: {control: {}, one-page: {}}
metrics:
  primary: [{key: bought, kind: share, source: orders, where: "amount > 0", window: 1d, better: higher}]
  guardrails:
    - metric: {key: refunds, kind: share, source: orders, where: "amount < 0", window: 1d, better: lower}
      margin: 5pp
  secondary:
    - {key: revenue, kind: mean, source: orders, value: amount, window: 1d, cap: {at: 90}, better: higher}
segments: {country: {values: country}}
analysis: {method: fixed, planned_units: 400}
duration: {enrol: 14d}
assumptions: [no price campaign]
"""


def project(folder: Path, experiment: str = EXPERIMENT) -> Path:
    """Write the project; give the experiment's file."""
    rng = np.random.default_rng(20261102)
    (folder / "experiments").mkdir(parents=True)
    (folder / "splitrun.yaml").write_text("project: shop\nenvironments: [production, staging]\n")
    exposures, orders = ["user,arm,at,country,tenure"], ["user,at,amount"]
    for number in range(400):
        at = FIRST + timedelta(minutes=50 * number)
        arm = ("control", "one-page")[number % 2]
        exposures.append(f"u{number},{arm},{at.isoformat()},{'DE' if number % 3 else 'AT'},{number % 90}")
        if rng.random() < (0.3, 0.5)[number % 2]:
            amount = f"{rng.gamma(2, 20) * (-1 if rng.random() < 0.1 else 1):.2f}"
            orders.append(f"u{number},{(at + timedelta(hours=3)).isoformat()},{amount}")
    (folder / "exposures.csv").write_text("\n".join(exposures) + "\n")
    (folder / "orders.csv").write_text("\n".join(orders) + "\n")
    file = folder / "experiments" / "checkout.yaml"
    file.write_text(experiment)
    return file


def seal(
    file: Path, plan: Plan | None = None, *, follows: SealedPlan | None = None, **facts: Json
) -> SealedPlan:
    """Seal the plan of a file, or another one, as `register` and `amend` do."""
    body = sealed_text(plan_of(file) if plan is None else plan)
    remark = Remark("amend" if follows else "register", "experiment/checkout", "it is time", project="shop")
    asked = Seal("shop", "checkout", 1, body, follows, canonical(facts))
    with home(file.parent).registry(make=SEALED) as registry:
        return registry.commit(Change(SEALED, "ann", (remark,), seals=(asked,))).plans[0]


def looks(file: Path) -> list[Entry]:
    """The looks that stand in the log."""
    with home(file.parent).registry() as registry:
        return [entry for entry in registry.entries(project="shop") if entry.verb == "look"]
