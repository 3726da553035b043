"""Metrics of the same shape are read as one vector: nothing of one may reach another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitrun.judge.readings import Reading, every_reading
from splitrun.measure.measured import Measured
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Adjust, Method, Mode, Multiplicity
from splitrun.spec.model import Direction
from splitrun.spec.plan import Plan, PlannedMetric
from tests.check.worlds import guardrail, measured, plan, primary, ratio, secondary

LEVELS = ("at", "be", "ch")
VARIANTS = ("control", "voucher", "letter")


def absolute(value: float) -> Size:
    return Size(value=value, relative=False)


def relative(value: float) -> Size:
    return Size(value=value, relative=True)


METRICS: Mapping[str, tuple[PlannedMetric, int]] = {
    "fetched": (primary("fetched", mei=absolute(0.05)), 1),
    "asked": (primary("asked", mei=relative(0.1)), 1),
    "unsized": (primary("unsized"), 1),
    "spend": (secondary("spend"), 1),
    "visits": (secondary("visits"), 0),
    "calls": (secondary("calls"), 2),
    "wait": (guardrail("wait", absolute(0.5)), 1),
    "queue": (guardrail("queue", relative(0.02)), 1),
    "errors": (guardrail("errors", absolute(0.1), mode=Mode.WATCH), 0),
    "uptime": (guardrail("uptime", relative(0.01), better=Direction.HIGHER), 1),
    "basket": (ratio("basket"), 2),
    "price": (ratio("price"), 2),
    "rate": (ratio("rate"), 0),
}
"""Metrics and how many covariates each has."""


def table(rng: np.random.Generator, planned: PlannedMetric, units: int, covariates: int) -> np.ndarray:
    """Values of a metric and its covariates, of wildly different sizes from metric to metric."""
    before = rng.gamma(2.0, 1.0, size=(units, covariates))
    outcome = rng.gamma(2.0, 10.0 ** rng.integers(-3, 4), size=(units, 1)) + before.sum(axis=1)[:, None]
    match planned.metric.kind:
        case "share":
            return np.hstack([rng.random((units, 1)) < 0.3, before])
        case "ratio":
            return np.hstack([outcome, rng.integers(1, 5, size=(units, 1)), before])
        case _:
            return np.hstack([outcome * (rng.random((units, 1)) < 0.8), before])


def world(seed: int, keys: Sequence[str], sizes: Sequence[int]) -> Measured:
    """Every metric over three variants and levels, with its own units in each."""
    rng = np.random.default_rng(seed)
    cells = {
        key: [table(rng, METRICS[key][0], int(rng.integers(0, most + 1)), METRICS[key][1]) for most in sizes]
        for key in keys
    }
    found = measured(cells, variants=VARIANTS, segment="country", levels=LEVELS)
    columns = {
        key: replace(
            column,
            covariates=tuple(f"before {index}" for index in range(METRICS[key][1])),
            zeros=rng.integers(0, 30, size=3) if rng.random() < 0.7 else None,
        )
        for key, column in found.columns.items()
    }
    return replace(found, columns=columns)


def numbers(held: object) -> Iterator[bytes]:
    """Every array within a value, to the last digit."""
    if isinstance(held, np.ndarray):
        yield held.tobytes()
    elif isinstance(held, tuple):
        for each in held:
            yield from numbers(each)
    elif is_dataclass(held):
        for field in fields(held):
            yield from numbers(getattr(held, field.name))


def told(reading: Reading) -> tuple[object, ...]:
    """What a reading says."""
    names = reading.planned.key, reading.variant, reading.segment
    return *names, reading.withheld, *numbers(reading.pair), *numbers(reading.effects)


@pytest.mark.parametrize("method", [Method.FIXED, Method.SEQUENTIAL])
@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    keys=st.lists(st.sampled_from(list(METRICS)), min_size=2, unique=True),
    sizes=st.lists(st.sampled_from([0, 1, 2, 15, 60, 300]), min_size=9, max_size=9),
    adjusting=st.booleans(),
)
def test_metrics_that_are_read_together_say_what_each_says_alone(
    method: Method, seed: int, keys: list[str], sizes: list[int], *, adjusting: bool
) -> None:
    data = world(seed, keys, sizes)

    def read(chosen: Sequence[str]) -> list[tuple[object, ...]]:
        of: Plan = plan(
            [METRICS[key][0] for key in chosen],
            weights=dict.fromkeys(VARIANTS, 1),
            segments=("country",),
            multiplicity=Multiplicity.NONE,
            method=method,
            adjust=Adjust(covariates=("before",)) if adjusting else None,
        )
        return [told(reading) for reading in every_reading(of, data)]

    together = read(keys)

    assert together == [said for key in keys for said in read([key])]
