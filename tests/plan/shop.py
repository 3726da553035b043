"""A small project with everything that a ruleset is made of, to be spoiled one thing at a time."""

from __future__ import annotations

from splitrun.assign.ruleset import Ruleset
from splitrun.plan.compile import Publication, Standing, compiled
from splitrun.plan.folder import folder, lint

__all__ = ["CHECKOUT", "FLAGS", "SETTINGS", "TEXTS", "compiled_shop", "mistakes_of", "spoiled"]

SETTINGS = """\
project: shop
environments: [production, staging]
units:
  user: {key: user_id}
  account: {}
"""

METRICS = """\
sources:
  orders: {csv: orders.csv, unit: {user: user_id}, time: at}
metrics:
  bought: {kind: share, source: orders, where: "amount > 0", window: 7d, better: higher}
segments:
  country: {values: country}
  new: {when: "tenure < 30 and country is not null"}
"""

CHECKOUT = """\
key: one-page-checkout
flag: checkout-flow
owner: payments-team@example.org
unit: user
hypothesis:
  change: the checkout is one page instead of three
  because: carts are dropped between address and payment
  expect: {metric: bought, direction: higher, mei: 1pp}
audience: "dach and semver(app_version) >= semver('5.2.0')"
coverage: 50%
variants:
  one-page: {serve: one-page, weight: 1, parameters: {columns: 1}}
  control: {serve: three-page, weight: 2}
layer: checkout
segments: [country, new]
metrics: {primary: [bought]}
analysis: {method: fixed}
"""

SEARCH = """\
key: search
unit: user
hypothesis:
  change: results are ranked by sales
  because: nobody scrolls
  expect: {metric: bought, direction: higher, mei: 1pp}
variants:
  control: {}
  ranked: {parameters: {ranking: sales}}
layer: checkout
metrics: {primary: [bought]}
analysis: {method: fixed}
"""

ELSEWHERE = """\
key: elsewhere
unit: user
hypothesis:
  change: a letter is sent
  because: nobody reads mail
  expect: {metric: bought, direction: higher, mei: 1pp}
exposures: {csv: letters.csv, unit: user_id, variant: arm, time: sent_at}
variants: {control: {}, letter: {}}
metrics: {primary: [bought]}
analysis: {method: fixed}
"""

FLAGS = """\
flags:
  new-cart: {type: boolean, default: off, environments: {staging: {on: false}}}
  checkout-flow:
    type: string
    owner: payments-team@example.org
    describe: how many pages the checkout has
    variants: {three-page: three-page, one-page: one-page}
    default: three-page
    rules:
      - {serve: one-page, to: {list: staff}}
      - {serve: one-page, when: "plan = 'internal'"}
      - {serve: one-page, audience: dach, when: "beta", coverage: 10%}
      - {experiment: one-page-checkout}
    requires: {new-cart: true}
layers:
  checkout:
    unit: user
    slots: {one-page-checkout: [0%, 40%], search: [[40%, 50%], [60%, 100%]]}
    parameters: {columns: 3, ranking: clicks}
holdouts:
  q4: {unit: user, share: 5%, experiments: [one-page-checkout]}
audiences:
  dach: "country in ('DE', 'AT', 'CH')"
lists:
  staff: [u1, u2]
  beta: {file: lists/beta.txt}
"""

TEXTS = {
    "splitrun.yaml": SETTINGS,
    "metrics/shop.yaml": METRICS,
    "flags/shop.yaml": FLAGS,
    "experiments/checkout.yaml": CHECKOUT,
    "experiments/search.yaml": SEARCH,
    "experiments/elsewhere.yaml": ELSEWHERE,
    "lists/beta.txt": "u3\r\nu4\n",
}


def spoiled(file: str, old: str, new: str) -> dict[str, str]:
    """The project with something else in the place of one text."""
    assert old in TEXTS[file]
    return {**TEXTS, file: TEXTS[file].replace(old, new, 1)}


def compiled_shop(
    texts: dict[str, str] | None = None,
    environment: str | None = None,
    version: int = 1,
    standing: dict[str, Standing] | None = None,
) -> Ruleset:
    """Compile the project, or another."""
    files = texts or TEXTS
    whole = folder(files)
    assert whole.mistakes == ()
    assert whole.board is not None
    publication = Publication(environment, version, files, standing)
    return compiled(whole.project, whole.experiments, whole.board, whole.library, publication)


def mistakes_of(texts: dict[str, str]) -> list[str]:
    """What is wrong with a project, a line for each mistake."""
    return [str(mistake) for mistake in lint(texts)]
