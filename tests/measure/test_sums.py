from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from splitrun.errors import DataError
from splitrun.measure.measured import Measured
from splitrun.spec.source import MeanSums, MomentsTable, RatioSums
from tests.measure.plans import framed, mean, plan, ratio, share

Cell = str | float | None
MEAN = MomentsTable(
    frame="sums", variant="v", n="n", segment="s", metrics={"m": MeanSums(sum="s1", sumsq="q1")}
)
RATIO = MomentsTable(
    frame="sums",
    variant="v",
    n="n",
    metrics={"r": RatioSums(sum_num="a", sum_den="b", sumsq_num="aa", sumsq_den="bb", sum_num_den="ab")},
)


def of_means(*rows: tuple[Cell, Cell, Cell, Cell, Cell]) -> Measured:
    columns = list(zip(*rows, strict=True))
    table = pa.table(
        {
            "v": pa.array(columns[0], pa.string()),
            "s": pa.array(columns[1], pa.string()),
            **{name: pa.array(columns[i], pa.float64()) for i, name in enumerate(("n", "s1", "q1"), start=2)},
        }
    )
    return framed(plan({"m": mean("x")}, moments=MEAN), sums=table)


def test_sums_become_centred_moments() -> None:
    # 1, 2, 3 and 4, 6
    measured = of_means(("control", None, 3, 6, 14), ("treatment", None, 2, 10, 52))

    control, treatment = measured.by_variant("m")[1]
    assert (control.n[0], control.mean[0, 0], control.m2[0, 0, 0]) == (3, 2, pytest.approx(2))
    assert (treatment.n[0], treatment.mean[0, 0], treatment.m2[0, 0, 0]) == (2, 5, pytest.approx(2))
    assert measured.exposed.tolist() == [3, 2]
    assert measured.units().tolist() == [[3], [2]]
    assert measured.sources[0].form == "frame"


def test_a_ratio_has_two_columns_and_their_products() -> None:
    x, y = np.array([1.0, 2.0, 5.0]), np.array([2.0, 3.0, 4.0])
    table = pa.table(
        {
            "v": ["control"],
            "n": [3],
            "a": [x.sum()],
            "b": [y.sum()],
            "aa": [x @ x],
            "bb": [y @ y],
            "ab": [x @ y],
        }
    )

    (control, treatment) = framed(plan({"r": ratio("x", "y")}, moments=RATIO), sums=table).by_variant("r")[1]

    assert control.mean[0] == pytest.approx([x.mean(), y.mean()])
    assert control.m2[0] == pytest.approx(np.cov(x, y) * 2)
    assert treatment.n[0] == 0


def test_segments_add_up_to_the_whole_and_are_shown() -> None:
    measured = of_means(
        ("control", "a", 2, 3, 5),
        ("control", "b", 1, 3, 9),
        ("treatment", "a", 2, 10, 52),
        ("control", None, 3, 6, 14),
    )

    assert measured.by_variant("m")[1][0].mean[0, 0] == pytest.approx(2)
    assert measured.by_variant("m")[1][0].m2[0, 0, 0] == pytest.approx(2)
    labels, (control, _) = measured.by_variant("m", "s")
    assert labels == ("a", "b")
    assert control.n.tolist() == [2, 1]


def test_rounding_below_zero_becomes_zero() -> None:
    measured = of_means(("control", None, 3, 0.3, 0.03 - 1e-17))

    assert measured.by_variant("m")[1][0].m2[0, 0, 0] == 0


def test_rows_of_other_variants_are_counted() -> None:
    measured = of_means(("control", None, 3, 6, 14), ("purple", None, 1, 1, 1), (None, None, 1, 1, 1))

    assert measured.dirt.unknown_variants == (("purple", 1),)
    assert measured.dirt.no_variant == 1


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("control", None, 1.5, 6, 14)], "row 1: n is 1.5; it must be a whole number of units"),
        ([("control", None, -1, 6, 14)], "row 1: n is -1"),
        ([("control", None, None, 6, 14)], "row 1: n is None"),
        ([("control", None, float("inf"), 6, 14)], "row 1: n is inf"),
        ([("control", None, 3, float("nan"), 14)], "row 1: s1 of m is nan, not a finite number"),
        ([("control", None, 3, 6, None)], "row 1: q1 of m is None, not a finite number"),
        ([("control", None, 3, 6, 11)], "n 3, sum 6 and sum of squares 11, which is less than sum²/n"),
        ([("control", None, 3, 6, -1)], "sum of squares -1"),
        ([("control", None, 0, 6, 14)], "m has sums and n is 0"),
        ([("control", None, 3, 6, 14)] * 2, "row 1 and row 2 are both variant 'control', the whole"),
        ([("control", "a", 3, 6, 14)] * 2, "row 1 and row 2 are both variant 'control', segment 'a'"),
        (
            [("control", "a", 3, 6, 14), ("control", None, 4, 6, 14)],
            "the segments have 3 units and the whole .row 2. has 4",
        ),
        ([("purple", None, 3, 6, 14)], "no row has a variant of the plan"),
    ],
)
def test_rows_that_cannot_be_true_are_refused(
    rows: list[tuple[Cell, Cell, Cell, Cell, Cell]], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        of_means(*rows)


def test_products_beyond_what_the_squares_allow_are_refused() -> None:
    table = pa.table(
        {"v": ["control"], "n": [3], "a": [3.0], "b": [3.0], "aa": [4.0], "bb": [4.0], "ab": [5.0]}
    )

    with pytest.raises(DataError, match=r"sum of products of 5, more than its sums of squares allow"):
        framed(plan({"r": ratio("x", "y")}, moments=RATIO), sums=table)


def test_a_metric_without_sums_is_refused() -> None:
    table = pa.table(
        {"v": ["control"], "n": [3], "a": [3.0], "b": [3.0], "aa": [4.0], "bb": [4.0], "ab": [3.0]}
    )

    with pytest.raises(DataError, match=r"no sums are named for the metric 'm'; add it to moments.metrics"):
        framed(plan({"m": mean("x")}, moments=RATIO), sums=table)


@pytest.mark.parametrize(
    ("total", "squares"), [(560.0, 3000.0), (56.0, 57.0), (101.0, 101.0), (-1.0, 1.0), (50.0, 49.0)]
)
def test_a_share_whose_sums_are_no_count_is_refused(total: float, squares: float) -> None:
    table = pa.table({"v": ["control", "treatment"], "s": pa.array([None, None], pa.string()),
                      "n": [100.0, 100.0], "s1": [50.0, total], "q1": [50.0, squares]})  # fmt: skip

    with pytest.raises(DataError, match="row 2: m is a share and has n 100"):
        framed(plan({"m": share()}, moments=MEAN), sums=table)


def test_a_share_may_be_off_by_rounding() -> None:
    table = pa.table({"v": ["control", "treatment"], "s": pa.array([None, None], pa.string()),
                      "n": [100.0, 100.0], "s1": [50.0, 100.0], "q1": [50.0 + 1e-12, 100.0]})  # fmt: skip

    measured = framed(plan({"m": share()}, moments=MEAN), sums=table)

    assert [part.mean[0, 0] for part in measured.by_variant("m")[1]] == [0.5, 1]


def test_levels_that_would_be_shown_alike_stay_two() -> None:
    measured = of_means(
        ("control", "a\x00", 3, 6, 14), ("control", "a", 2, 10, 52), ("treatment", "a", 1, 1, 1)
    )

    assert measured.cells.segments["s"].labels == ("a #2", "a")
