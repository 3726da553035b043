from __future__ import annotations

from datetime import timedelta
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from splitrun.errors import EngineError
from splitrun.measure.measured import Measured
from splitrun.measure.outcomes import cube
from splitrun.spec.analysis import Adjust
from splitrun.spec.metric import Metric, Quantile
from splitrun.spec.segment import Segment
from tests.measure.outcomes.worlds import IN_VILLAGES, SHOP, agree, world
from tests.measure.plans import exposures, framed, mean, over, plan, share

SEGMENTS = {
    "country": Segment(values="country"),
    "age": Segment(when="age > 40"),
    "many": Segment(values="visits"),
}
METRICS: dict[str, Metric] = {
    "m": mean("value", source="shop", window=timedelta(days=7)),
    "p": Quantile.model_validate(
        {"kind": "quantile", "source": "shop", "at": 0.9, "per": "event", "value": "value", "better": "lower"}
    ),
}


def same(coarse: Measured, fine: Measured) -> None:
    """Check that two measurements answer the same, whatever their cells."""
    for segment, key in product((None, *SEGMENTS), METRICS):
        assert coarse.labels(segment) == fine.labels(segment)
        np.testing.assert_array_equal(coarse.units(segment), fine.units(segment))
        ours, theirs = coarse.by_variant(key, segment), fine.by_variant(key, segment)
        assert ours[0] == theirs[0]
        for one, other in zip(ours[1], theirs[1], strict=True):
            agree(one, other)
    for cut, quantiles in fine.quantiles.items():
        np.testing.assert_array_equal(coarse.quantiles[cut].value, quantiles.value)
    for key in METRICS:
        np.testing.assert_array_equal(coarse.columns[key].immature, fine.columns[key].immature)
        np.testing.assert_array_equal(coarse.columns[key].zeros, fine.columns[key].zeros)


def test_a_cube_that_explodes_is_cut_by_one_segment_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = world(71)
    planned = plan(METRICS, IN_VILLAGES, sources={"shop": SHOP}, segments=SEGMENTS)
    fine = framed(planned, **shop.frames())

    monkeypatch.setattr(cube, "MOST", 60)
    coarse = framed(planned, **shop.frames())

    assert not fine.within
    assert set(coarse.within) == set(SEGMENTS)
    assert coarse.cells.segments == {}
    same(coarse, fine)
    assert coarse.clusters is not None
    assert fine.clusters is not None
    assert coarse.clusters.sums["m"].totals.sum() == pytest.approx(fine.clusters.sums["m"].totals.sum())
    part = coarse.within["country"]
    assert part.clusters is not None
    assert part.clusters.cell.max() < len(part.cells.units)
    for key in METRICS:
        # what a cluster adds up to does not depend on how its units are cut
        assert part.clusters.sums[key].totals.sum(axis=0) == pytest.approx(
            fine.clusters.sums[key].totals.sum(axis=0)
        )


def test_strata_stay_in_every_cube(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = world(72)
    adjust = Adjust(strata=("age",))
    planned = plan(METRICS, IN_VILLAGES, sources={"shop": SHOP}, segments=SEGMENTS, adjust=adjust)
    fine = framed(planned, **shop.frames())

    monkeypatch.setattr(cube, "MOST", 80)
    coarse = framed(planned, **shop.frames())

    assert set(coarse.within) == {"country", "many"}
    assert set(coarse.cells.segments) == {"age"}
    assert set(coarse.within["country"].cells.segments) == {"country", "age"}
    same(coarse, fine)


def test_more_cells_than_a_number_can_count_are_cut_too(tmp_path: Path) -> None:
    rows = "user,variant,c\n" + "".join(f"{i},control,c{i}\n" for i in range(30))
    segments = {f"s{i}": Segment(values="c") for i in range(13)}

    found = over(tmp_path, plan({"m": share()}, exposures(), segments=segments), exposures=rows)

    assert set(found.within) == set(segments)
    assert found.units("s3").sum() == 30


def test_one_segment_that_explodes_alone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cube, "MOST", 3)
    rows = "user,variant,c\n" + "".join(f"{i},control,c{i}\n" for i in range(5))
    planned = plan({"m": share()}, exposures(), segments={"s": Segment(values="c")})

    with pytest.raises(EngineError, match=r"^s cut the units into more than .* name fewer strata"):
        over(tmp_path, planned, exposures=rows)
