from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

from splitrun.spec.metric import Metric
from tests.measure.outcomes.worlds import SEEN, SHOP, total, world
from tests.measure.plans import framed, mean, plan, share

DAY = timedelta(days=1)
WEEK = 7 * DAY
LOOKS = (6 * DAY, 9 * DAY, 14 * DAY, 60 * DAY)


@pytest.mark.parametrize("seed", [41, 42])
def test_units_are_counted_that_had_matured_at_each_look_up_to_now(seed: int) -> None:
    shop = world(seed)
    metrics: dict[str, Metric] = {
        "week": mean("value", source="shop", window=WEEK),
        "days": share(source="shop", window=3 * DAY),
        "ever": mean("value", source="shop"),
    }

    found = framed(plan(metrics, SEEN, sources={"shop": SHOP}, looks=LOOKS), **shop.frames())

    first = shop.seen["at"].min()
    for key, window in {"week": WEEK, "days": 3 * DAY, "ever": None}.items():
        units = shop.after(total if key != "days" else (lambda _: 1.0), timedelta(0), window)
        units = shop.matured(units, window)
        ripe = units["at"] + (window or timedelta(0))
        expected = [int((ripe <= first + look).sum()) for look in LOOKS[:3]]
        looks = found.columns[key].looks
        assert looks is not None
        assert looks.tolist() == expected


def test_a_unit_has_matured_at_the_very_moment_of_a_look() -> None:
    noon = pd.Timestamp("2026-03-01T12:00Z")
    seen = pd.DataFrame({"user": list("abc"), "variant": "control"})
    seen["at"] = [noon, noon + DAY, noon + DAY + timedelta(microseconds=1)]
    shop = pd.DataFrame({"user": ["a"], "at": [noon + 30 * DAY], "value": [1.0], "item": ["cup"]})
    exposures = SEEN.model_copy(update={"pre_exposure": ()})
    metrics: dict[str, Metric] = {"m": share(source="shop", window=WEEK)}
    planned = plan(metrics, exposures, sources={"shop": SHOP}, looks=(7 * DAY, 8 * DAY, 9 * DAY))

    found = framed(planned, seen=seen, shop=shop)

    looks = found.columns["m"].looks
    assert looks is not None
    assert looks.tolist() == [1, 2, 3]


def test_before_the_first_look_no_look_has_come_and_without_times_there_are_none() -> None:
    seen = pd.DataFrame({"user": list("ab"), "variant": ["control", "treatment"], "y": 1.0})
    seen["at"] = pd.Timestamp("2026-03-01T12:00Z")
    untimed = SEEN.model_copy(update={"time": None})

    early = framed(plan({"m": mean("y")}, SEEN, looks=LOOKS), seen=seen)
    never = framed(plan({"m": mean("y")}, untimed, looks=LOOKS), seen=seen)

    looks = early.columns["m"].looks
    assert looks is not None
    assert looks.tolist() == []
    assert never.columns["m"].looks is None
