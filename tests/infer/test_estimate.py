from __future__ import annotations

import numpy as np

from splitrun.infer.contrast import difference
from splitrun.infer.estimate import Estimate, Side, Unknown, Why, first_of
from tests.infer.worlds import mean_of, ratio_of

SOME, MORE = mean_of([1.0, 2.0, 4.0]), mean_of([2.0, 3.0, 7.0])


def test_an_unbounded_end_is_none() -> None:
    lower = difference(SOME, MORE, level=0.95, side=Side.LOWER).cell(0)
    upper = difference(SOME, MORE, level=0.95, side=Side.UPPER).cell(0)

    assert isinstance(lower, Estimate)
    assert isinstance(upper, Estimate)
    assert lower.high is None
    assert lower.low is not None
    assert upper.low is None
    assert upper.high is not None


def test_a_normal_quantile_has_no_degrees_of_freedom() -> None:
    ratio = ratio_of([1.0, 2.0, 4.0], [1.0, 1.0, 3.0])

    cell = difference(ratio, ratio, level=0.95).cell(0)

    assert isinstance(cell, Estimate)
    assert cell.dof is None


def test_a_cell_without_a_number_says_why_in_words() -> None:
    cell = difference(SOME, mean_of([3.0]), level=0.95).cell(0)

    assert cell == Unknown(Why.FEW_UNITS)
    assert "fewer than two units" in cell.says


def test_no_units_speaks_of_units_whose_outcome_is_known() -> None:
    # a variant may have thousands of units exposed whose windows have not passed
    assert Why.NO_UNITS.says == "no unit of one of the variants has a known outcome yet"


def test_every_reason_has_its_sentence() -> None:
    sentences = [why.says for why in Why]

    assert len(set(sentences)) == len(Why)
    assert all(text[0].islower() and not text.endswith(".") for text in sentences)


def test_the_first_reason_that_applies_is_given() -> None:
    found = first_of(
        {Why.NO_UNITS: np.array([True, False, False]), Why.FEW_UNITS: np.array([True, True, False])}
    )

    assert found.tolist() == [Why.NO_UNITS, Why.FEW_UNITS, 0]
