"""A shop in files, to be changed one thing at a time."""

from __future__ import annotations

from collections.abc import Mapping

from splitrun.conduct.definitions.comparing import side
from splitrun.conduct.definitions.shelves import Name, apart
from splitrun.plan.difference.consequences import Run
from splitrun.plan.difference.difference import Difference, difference
from splitrun.plan.folder import folder
from splitrun.spec.written.text import document

__all__ = ["FILES", "bodies_of", "changed", "found", "replaced"]

FILES: Mapping[str, str] = {
    "splitrun.yaml": """\
project: shop
environments: [production, staging]
registry: postgresql://ann:secret@db/registry
units:
  user: {key: user_id}
  account: {}
policy: {alpha: {max: 0.05}}
""",
    "metrics/shop.yaml": """\
sources:
  orders: {csv: orders.csv, unit: {user: user_id}, time: at}
  visits: {csv: visits.csv, unit: {user: user_id}, time: at}
metrics:
  bought: {kind: share, source: orders, where: "amount > 0", window: 7d, better: higher}
  spent: {kind: mean, source: orders, value: amount, window: 7d, better: higher}
  seen: {kind: mean, source: visits, window: 7d, better: higher}
segments:
  country: {values: country}
groups:
  money: [bought, spent]
""",
    "flags/shop.yaml": """\
flags:
  checkout-flow:
    type: string
    variants: {long: three-page, short: one-page, new: no-page}
    default: long
    rules:
      - {serve: short, to: {list: staff}}
      - {experiment: checkout}
  other: {type: boolean, default: "off"}
layers:
  page:
    unit: user
    slots: {checkout: [0%, 40%]}
    parameters: {columns: 2, colour: red}
holdouts:
  q4: {unit: user, share: 5%, experiments: [checkout]}
audiences:
  dach: "country in ('DE', 'AT', 'CH')"
lists:
  staff: [u1, u2]
""",
    "experiments/checkout.yaml": """\
key: checkout
title: A shorter checkout
owner: payments
unit: user
flag: checkout-flow
layer: page
audience: dach
coverage: 50%
hypothesis:
  change: the checkout is one page
  because: carts are dropped
  expect: {metric: bought, direction: higher, mei: 1pp}
variants:
  control: {serve: long}
  short: {serve: short, parameters: {columns: 1}}
  new: {serve: new, weight: 1}
metrics:
  primary: [money]
  secondary: [seen]
segments: [country]
analysis: {method: fixed}
duration: {enrol: 14d}
""",
    "annotations.yaml": """\
- {at: 2026-11-27, kind: campaign, says: Black Friday}
- {at: 2026-11-27, kind: campaign, says: Black Friday in Austria}
""",
}


def replaced(old: str, new: str, files: Mapping[str, str] = FILES) -> dict[str, str]:
    """The files with one text in the place of another."""
    assert sum(old in text for text in files.values()) == 1
    return {name: text.replace(old, new) for name, text in files.items()}


def bodies_of(files: Mapping[str, str], ids: Mapping[str, bytes] | None = None) -> dict[Name, str]:
    """What the files define, as it is kept."""
    says = folder(files)
    assert says.mistakes == ()
    known = files.get("annotations.yaml")
    events = None if known is None else document(known, "annotations.yaml")
    return apart(says, document(files["splitrun.yaml"], "splitrun.yaml"), events, ids or {})


def found(before: Mapping[str, str], after: Mapping[str, str], *runs: tuple[str, str, str]) -> Difference:
    """The difference between two sets of files."""
    return difference(side(bodies_of(before)), side(bodies_of(after)), [Run(*run) for run in runs])


def changed(old: str, new: str, state: str | None = "running") -> Difference:
    """The difference that one change makes, while the experiment is in a state."""
    runs = () if state is None else (("checkout", "staging", state),)
    return found(FILES, replaced(old, new), *runs)
