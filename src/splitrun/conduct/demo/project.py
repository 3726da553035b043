"""The files of the made-up shop."""

from __future__ import annotations

__all__ = ["EXPERIMENT", "FILES", "FLAG"]

EXPERIMENT = "one-page-checkout"
FLAG = "checkout-flow"

SETTINGS = """\
# Written by `splitrun demo`: a made-up shop, nobody bought anything.
project: demo-shop
environments: [production]
units: {user: {key: user_id}}
privacy: {properties: declared, retention: {events: 13mo, exposures: 13mo}}
attributes:
  country: {holds: text, purpose: to cut results by country, classification: personal, consumers: [shop]}
"""

METRICS = """\
# `events` are what the product sends with `client.track(name, unit)`; the server keeps them in the lake.
# A minute is enough for visitors who decide at once; of real ones, count days: window: 7d.
metrics:
  purchased: {kind: share, source: events, where: "name = 'purchase'", window: 1m, better: higher}
  failed: {kind: share, source: events, where: "name = 'payment-failed'", window: 1m, better: lower}
segments:
  country: {values: country}
"""

FLAGS = """\
flags:
  checkout-flow:
    type: string
    variants: {three-page: three-page, one-page: one-page}
    default: three-page
    rules: [{experiment: one-page-checkout}]
"""

PLAN = """\
key: one-page-checkout
title: A checkout on one page
owner: payments
flag: checkout-flow
unit: user
hypothesis:
  change: the checkout is one page instead of three
  because: many baskets are left between address and payment
  expect: {metric: purchased, direction: higher, mei: 7pp}
variants:
  control: {serve: three-page}
  one-page: {serve: one-page}
metrics:
  primary: [purchased]
  guardrails:
    - {metric: failed, margin: 2pp}
analysis: {method: sequential, planned_units: 4000}   # may be read at any time
duration: {enrol: 14d}
baselines:
  units_per_day: 300
  metrics: {purchased: {share: 30%}, failed: {share: 2%}}
"""

FILES = {
    "splitrun.yaml": SETTINGS,
    "metrics/shop.yaml": METRICS,
    "flags/shop.yaml": FLAGS,
    f"experiments/{EXPERIMENT}.yaml": PLAN,
}
"""Texts by path from the project's folder."""
