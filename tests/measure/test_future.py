from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest

from splitrun.errors import DataError
from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measured import Measured
from splitrun.measure.measurement import measure
from splitrun.spec.analysis import Trigger
from splitrun.spec.source import Exposures
from tests.measure.outcomes.worlds import SHOP
from tests.measure.plans import mean, plan

NOON = pd.Timestamp("2026-03-01T12:00Z").to_pydatetime()
DAY = timedelta(days=1)
SEEN = Exposures(frame="seen", unit="user", variant="variant", time="at")
METRICS = {"m": mean("value", source="shop", window=7 * DAY)}


def measured(not_after: datetime | None, as_of: datetime | None = None) -> Measured:
    seen = pd.DataFrame(
        {"user": list("ab"), "variant": ["control", "treatment"], "at": [NOON, NOON + 3 * DAY]}
    )
    late = pd.DataFrame({"user": ["c"], "variant": ["control"], "at": [NOON + 9000 * DAY]})
    shop = pd.DataFrame(
        {
            "user": list("abab"),
            "at": [NOON + DAY, NOON + 4 * DAY, NOON + 8 * DAY, NOON + 4000 * DAY],
            "value": [1.0, 2.0, 4.0, 8.0],
        }
    )
    with DuckDB(frames={"seen": pd.concat([seen, late]), "shop": shop}) as engine:
        planned = plan(METRICS, SEEN, sources={"shop": SHOP})
        return measure(planned, engine, as_of=as_of, not_after=not_after)


def test_a_row_far_in_the_future_matures_nothing() -> None:
    found = measured(NOON + 9 * DAY)

    assert found.as_of == NOON + 8 * DAY
    assert found.dirt.future_rows == {"exposures": 1, "shop": 1}
    assert found.exposed.tolist() == [1, 1]
    assert found.columns["m"].immature.tolist() == [0, 1]
    assert found.last_exposure == NOON + 3 * DAY


def test_without_a_moment_of_the_readout_the_latest_row_stands() -> None:
    found = measured(None)

    assert found.as_of == NOON + 9000 * DAY
    assert found.dirt.future_rows == {}


def test_a_moment_asked_for_is_no_later_than_that_of_the_readout() -> None:
    assert measured(NOON + 9 * DAY, NOON + 5 * DAY).as_of == NOON + 5 * DAY
    assert measured(NOON + 9 * DAY, NOON + 5000 * DAY).as_of == NOON + 9 * DAY


def test_a_moment_of_the_readout_without_a_zone_is_refused() -> None:
    with pytest.raises(DataError, match="not_after 2026-03-01T12:00:00 names no time zone; say which"):
        measured(datetime(2026, 3, 1, 12))  # noqa: DTZ001  # that it has no zone is the point


def test_a_trigger_in_the_future_has_not_happened() -> None:
    seen = pd.DataFrame({"user": ["a"], "variant": ["control"], "at": [NOON]})
    shop = pd.DataFrame({"user": ["a"], "at": [NOON + 4000 * DAY], "value": [1.0]})
    planned = plan(
        {"m": mean("value", source="shop")}, SEEN, sources={"shop": SHOP}, trigger=Trigger(source="shop")
    )

    with DuckDB(frames={"seen": seen, "shop": shop}) as engine:
        found = measure(planned, engine, not_after=NOON + DAY)

    assert found.dirt.untriggered_units == 1
    assert found.as_of == NOON
