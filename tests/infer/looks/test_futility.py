from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from splitrun.errors import SpecError
from splitrun.infer.looks.boundaries import boundaries, classic, crossing
from splitrun.infer.looks.futility import Futility, design, futility_bounds
from splitrun.infer.looks.spending import OBRIEN_FLEMING, POCOCK, Shape, Spending
from tests.infer.looks.walks import walks

FOURTHS = [0.25, 0.5, 0.75, 1.0]


def test_a_design_with_one_look_is_the_ordinary_one() -> None:
    found = design([1.0], 0.025, power=0.8)

    assert found.inflation == pytest.approx(1, abs=1e-8)
    assert found.drift == pytest.approx(stats.norm.isf(0.025) + stats.norm.ppf(0.8))
    assert found.size_with_effect == pytest.approx(1)
    assert found.lower.tolist() == [-np.inf]


@pytest.mark.parametrize(
    ("shape", "power", "published"),
    # Jennison and Turnbull 2000, tables 2.2 (R_P) and 2.4 (R_B): inflation for 2 to 5 looks, alpha 0.05
    [
        (0.5, 0.8, [1.110, 1.166, 1.202, 1.229]),
        (0.5, 0.9, [1.100, 1.151, 1.183, 1.207]),
        (0.0, 0.8, [1.008, 1.017, 1.024, 1.028]),
        (0.0, 0.9, [1.007, 1.016, 1.022, 1.026]),
    ],
)
def test_inflation_of_the_classical_designs_is_that_of_the_tables(
    shape: float, power: float, published: list[float]
) -> None:
    fixed = stats.norm.isf(0.025) + stats.norm.ppf(power)
    for looks, due in zip((2, 3, 4, 5), published, strict=True):
        upper, at = classic(looks, 0.05, power=shape), np.arange(1, looks + 1) / looks

        reached = crossing(at, upper, drift=fixed * np.sqrt(due)).above.sum()

        assert reached == pytest.approx(power, abs=0.0004)


def test_the_default_design_costs_two_and_a_half_percent() -> None:
    # statistics of the design: inflation 1.025 for 5 looks, O'Brien-Fleming spending
    assert design(np.arange(1, 6) / 5, 0.025).inflation == pytest.approx(1.025, abs=0.0015)


@pytest.mark.requirement("R56")
def test_futility_that_is_not_binding_leaves_the_upper_bounds_alone() -> None:
    found = design(FOURTHS, 0.025, power=0.9, futility=Futility(0.1))

    assert found.upper == pytest.approx(boundaries(FOURTHS, 0.025), abs=1e-9)
    assert found.lower[-1] == found.upper[-1]
    assert np.all(np.diff(found.lower) > 0)
    assert found.futile_by_look == pytest.approx(OBRIEN_FLEMING.at(FOURTHS, 0.1), abs=1e-7)
    assert found.power_by_look[-1] == pytest.approx(0.9, abs=1e-7)


def test_going_on_in_spite_of_futility_costs_no_alpha_unless_it_is_binding() -> None:
    free = design(FOURTHS, 0.025, power=0.9, futility=Futility(0.1, POCOCK))
    bound = design(FOURTHS, 0.025, power=0.9, futility=Futility(0.1, POCOCK, binding=True))

    assert crossing(FOURTHS, free.upper).above.sum() == pytest.approx(0.025, abs=1e-7)
    assert crossing(FOURTHS, bound.upper).above.sum() > 0.026
    assert crossing(FOURTHS, bound.upper, bound.lower).above.sum() == pytest.approx(0.025, abs=1e-7)
    assert free.inflation > bound.inflation


def test_a_design_keeps_its_power_and_size_on_simulated_paths() -> None:
    found, paths = design(FOURTHS, 0.025, power=0.8, futility=Futility(0.2)), 20_000
    z = walks(paths, np.array(FOURTHS), seed=11, drift=found.drift)

    up, down = z > found.upper, z <= found.lower
    first = np.argmax(up | down, axis=1)
    wins = int(up[np.arange(paths), first].sum())

    low, high = stats.binom.interval(0.9999, paths, 0.8)
    assert low <= wins <= high
    assert found.inflation * found.looks[first].mean() == pytest.approx(found.size_with_effect, abs=0.01)
    assert found.size_without < found.size_with_effect


def test_bounds_of_looks_taken_are_those_of_the_design_while_it_is_kept() -> None:
    planned = design(FOURTHS, 0.025, power=0.9, futility=Futility(0.1))

    so_far = futility_bounds(FOURTHS[:2], 0.025, planned.drift, futility=Futility(0.1))
    whole = futility_bounds(FOURTHS, 0.025, planned.drift, futility=Futility(0.1))

    assert so_far == pytest.approx(planned.lower[:2], abs=1e-8)
    assert whole == pytest.approx(planned.lower, abs=1e-8)


def test_at_the_planned_end_what_is_not_better_is_futile() -> None:
    looks = [0.0, 0.25, 0.25, 0.5, 0.9]

    lower = futility_bounds(looks, 0.025, 3.3, futility=Futility(0.1), ended=True)

    assert lower[0] == -np.inf
    assert lower[1] == lower[2]
    assert lower[4] == boundaries(looks, 0.025, ended=True)[4]
    assert futility_bounds([0.0], 0.025, 3.3, futility=Futility(0.1)).tolist() == [-np.inf]


def test_futility_never_lies_above_the_upper_bound() -> None:
    # an effect far larger than planned: nobody who has it could fall short
    upper = boundaries([0.5, 0.8], 0.025)

    assert np.all(futility_bounds([0.5, 0.8], 0.025, 12.0, futility=Futility(0.1)) <= upper)


@pytest.mark.parametrize(
    ("looks", "power", "futility", "says"),
    [
        ([0.5, 0.9], 0.8, None, "give fractions above 0 that rise to 1"),
        ([0.0, 1.0], 0.8, None, "give fractions above 0 that rise to 1"),
        ([0.5, 1.0], 0.02, None, r"power 0\.02 with an error of 0\.025"),
        ([0.5, 1.0], 1.0, None, r"power 1\.0"),
        ([0.5, 1.0], 0.8, Futility(0.1), r"beta 0\.1 beside power 0\.8"),
    ],
)
def test_a_design_that_cannot_be_is_refused(
    looks: list[float], power: float, futility: Futility | None, says: str
) -> None:
    with pytest.raises(SpecError, match=says):
        design(looks, 0.025, power=power, futility=futility)


def test_binding_bounds_are_for_designs_alone() -> None:
    with pytest.raises(SpecError, match="leave binding to `design`"):
        futility_bounds([0.5], 0.025, 3.0, futility=Futility(0.1, binding=True))


@pytest.mark.parametrize("looks", [[0.01, 0.02, 1.0], [0.98, 0.99, 1.0], list(np.arange(1, 15) / 14)])
@pytest.mark.parametrize("power", [0.0252, 0.3, 0.9999])
def test_a_design_is_found_at_any_power_and_any_looks(looks: list[float], power: float) -> None:
    found = design(looks, 0.025, power=power, futility=Futility(1 - power, POCOCK))

    assert found.power_by_look[-1] == pytest.approx(power, abs=1e-6)


def test_bounds_stay_numbers_when_next_to_nothing_may_be_spent() -> None:
    looks = [1e-9, 1.1e-9, 0.1, 0.6]

    lower = futility_bounds(looks, 1e-10, 8.0, futility=Futility(0.2))

    assert not np.any(np.isnan(lower))
    assert np.all(lower <= boundaries(looks, 1e-10))


def test_the_example_of_gsdesign_is_met() -> None:
    # gsDesign 3, gsDesign(): 3 looks, alpha 0.025, power 0.9, Hwang-Shih-DeCani spending with gamma -4 for
    # the upper and -2 for the lower bounds, non-binding (test.type = 4), as printed in its manual
    found = design(
        [1 / 3, 2 / 3, 1],
        0.025,
        power=0.9,
        spending=Spending(Shape.HSD, -4),
        futility=Futility(0.1, Spending(Shape.HSD, -2)),
    )

    assert found.upper == pytest.approx([3.01, 2.55, 2.00], abs=0.005)
    assert found.lower == pytest.approx([-0.24, 0.94, 2.00], abs=0.005)
    assert np.diff(found.futile_by_look, prepend=0) == pytest.approx([0.0148, 0.0289, 0.0563], abs=5e-5)
    assert found.inflation == pytest.approx(1.070, abs=5e-4)


def test_looks_that_lie_almost_together_have_a_design() -> None:
    found = design([0.2, 0.2000001, 1.0], 0.025, power=0.9, futility=Futility(0.1))

    assert found.power_by_look[-1] == pytest.approx(0.9, abs=1e-6)


def test_futility_of_units_that_come_too_fast_waits_for_the_planned_end() -> None:
    futility, timed = Futility(0.2), Spending(elapsed=(1 / 3, 2 / 3, 1.0))

    lower = futility_bounds([0.9, 1.4, 1.8], 0.025, 2.9, futility=futility, spending=timed, ended=True)
    early = futility_bounds([0.9, 1.4], 0.025, 2.9, futility=futility, spending=timed)

    upper = boundaries([0.9, 1.4, 1.8], 0.025, timed, ended=True)
    assert early == pytest.approx(lower[:2])
    assert np.all(lower[:2] < upper[:2])
    assert lower[2] == upper[2]
