"""Quantiles of an engine that has none, held against the exact ones of an engine that has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitrun.measure.engine import QUANTILES
from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measured import Measured
from splitrun.measure.measurement import measure
from splitrun.measure.outcomes.histograms import Bins
from splitrun.measure.outcomes.quantiles import bounded, values
from splitrun.moments import FloatArray
from splitrun.spec.metric import Mean
from splitrun.spec.plan import Plan
from splitrun.spec.segment import Segment
from tests.measure.outcomes.test_quantiles import planned, quantile, type1
from tests.measure.outcomes.worlds import IN_VILLAGES, SEEN, SHOP, world
from tests.measure.plans import mean, plan


class Coarse(DuckDB):
    """The same database, taken for one that sorts nothing."""

    capabilities = DuckDB.capabilities - {QUANTILES}


def coarse(of: Plan, frames: dict[str, Any]) -> Measured:
    with Coarse(frames=frames) as engine:
        return measure(of, engine)


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(("seed", "at", "per"), [(91, 0.95, "event"), (92, 0.5, "unit"), (93, 0.03, "event")])
def test_a_quantile_from_a_histogram_lies_within_its_bound_of_the_exact_one(
    seed: int, at: float, per: str
) -> None:
    of, frames = planned(quantile(at, per)), world(seed, 900).frames()

    found = coarse(of, frames)

    with DuckDB(frames=frames) as engine:
        exact = measure(of, engine)
    for segment in (None, "country"):
        ours, theirs = found.quantiles["m", segment], exact.quantiles["m", segment]
        assert ours.off is not None
        assert theirs.off is None
        assert np.all(np.abs(ours.value - theirs.value) <= ours.off + 1e-12 * np.abs(theirs.value))
        # a bin is 1.005 % wide
        assert np.all(ours.off <= 0.0101 * np.abs(ours.value))
    assert not any("QUANTILE" in statement.sql for statement in found.sql)


@pytest.mark.parametrize("clustered", [False, True])
def test_bounds_are_read_from_the_same_histogram(clustered: bool) -> None:  # noqa: FBT001 - pytest hands parameters over by name
    exposures = IN_VILLAGES if clustered else SEEN
    of = plan(
        {"m": quantile(0.8, "event")},
        exposures,
        sources={"shop": SHOP},
        segments={"country": Segment(values="country")},
    )
    frames = world(94, 900).frames()
    wanted: dict[tuple[str, str | None], tuple[FloatArray, FloatArray]]
    wanted = {("m", None): (np.array([[0.7], [0.75]]), np.array([[np.nan], [0.9]]))}

    with Coarse(frames=frames) as engine:
        found = bounded(of, engine, measure(of, engine), wanted)
        none = values(of, engine, ("m", "country"), np.full((2, 4), np.nan))

    with DuckDB(frames=frames) as engine:
        exact = bounded(of, engine, measure(of, engine), wanted)
    ours, theirs = found.quantiles["m", None], exact.quantiles["m", None]
    np.testing.assert_allclose(ours.low, theirs.low, rtol=0.0101)
    np.testing.assert_allclose(ours.high, theirs.high, rtol=0.0101)
    assert np.isnan(none).all()
    # what is counted is counted exactly, up to the quantile that was found
    shares = [each.mean[0, 0] / each.mean[0, 1] for each in ours.inside]
    assert shares == pytest.approx([0.8, 0.8], abs=0.02)


def test_a_variant_without_values_has_no_quantile() -> None:
    seen = pd.DataFrame(
        {"user": list("abc"), "variant": ["control", "control", "treatment"], "y": [1.0, 2.0, None]}
    )
    own = quantile(0.5, "unit", None, "y").model_copy(update={"source": "exposures"})
    of = plan({"m": own, "mean": mean("y")}, SEEN.model_copy(update={"time": None}))

    found = coarse(of, {"seen": seen}).quantiles["m", None]

    assert found.value[0, 0] == 1.0
    assert np.isnan(found.value[1, 0])
    with Coarse(frames={"seen": seen}) as engine:
        measure(of, engine)
        assert np.isnan(values(of, engine, ("m", None), np.array([[0.5], [0.5]]))[1, 0])


def test_a_cap_that_is_a_quantile_is_read_from_a_histogram_too() -> None:
    metric = Mean.model_validate(
        {
            "kind": "mean",
            "source": "shop",
            "value": "value",
            "window": "7d",
            "cap": {"quantile": 0.95},
            "better": "higher",
        }
    )
    of, frames = plan({"m": metric}, SEEN, sources={"shop": SHOP}), world(97, 900).frames()

    found = coarse(of, frames).columns["m"].capping

    with DuckDB(frames=frames) as engine:
        exact = measure(of, engine).columns["m"].capping
    assert found is not None
    assert exact is not None
    assert found.origin is exact.origin
    assert found.at == pytest.approx(exact.at, rel=0.0101)


NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False) | st.integers(-4, 4).map(float)


@settings(max_examples=20, deadline=None)
@given(sample=st.lists(NUMBERS, min_size=1, max_size=40), at=st.floats(0.01, 0.99))
def test_signs_zeros_and_sizes_keep_their_order(sample: list[float], at: float) -> None:
    seen = pd.DataFrame({"user": [str(i) for i in range(len(sample))], "variant": "control", "y": sample})
    own = quantile(at, "unit", None, "y").model_copy(update={"source": "exposures"})

    found = coarse(plan({"m": own}, SEEN.model_copy(update={"time": None})), {"seen": seen}).quantiles[
        "m", None
    ]

    assert found.off is not None
    exact = type1(np.array(sample), at)
    assert abs(found.value[0, 0] - exact) <= found.off[0, 0] + 1e-12 * abs(exact)


def rows(sample: FloatArray) -> Bins:
    """Bins as the engine makes them: one for all values of a sign and a size."""
    size = np.where(
        sample == 0, 0, np.ceil(np.log(np.abs(np.where(sample == 0, 1, sample))) / 0.0100001) + 1e6
    )
    key = np.sign(sample) * size
    groups = [sample[key == each] for each in np.unique(key)]
    return Bins(*(np.array([float(of(each)) for each in groups]) for of in (len, np.min, np.max)))


def test_bins_of_two_parts_of_the_data_add_up_to_those_of_the_whole() -> None:
    sample = np.random.default_rng(95).lognormal(3, 1, 4_000)
    halves = rows(sample[:2_000]), rows(sample[2_000:])

    # parts overlap in value: a reader adds n up and takes the smaller low and the larger high, bin by bin
    table = pd.concat(pd.DataFrame({"n": each.n, "low": each.low, "high": each.high}) for each in halves)
    table["bin"] = np.ceil(np.log(table["low"]) / 0.0100001)
    added = table.groupby("bin").agg({"n": "sum", "low": "min", "high": "max"})

    whole = rows(sample)
    np.testing.assert_array_equal(added["n"], whole.n)
    np.testing.assert_array_equal(added["low"], whole.low)
    np.testing.assert_array_equal(added["high"], whole.high)
    for at in (0.01, 0.5, 0.99):
        value, off = whole.at(at)
        assert abs(value - type1(sample, at)) <= off


def test_whole_numbers_are_exact() -> None:
    sample = np.random.default_rng(96).poisson(40, 999).astype(np.float64)

    found = [rows(sample).at(at) for at in (0.1, 0.5, 0.9, 0.999)]

    # neighbours below 100 lie further apart than a bin is wide
    assert found == [(type1(sample, at), 0.0) for at in (0.1, 0.5, 0.9, 0.999)]
