"""Split, crossovers and labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from splitrun.check.evidence import Evidence, Severity
from splitrun.check.units.enough import too_few_units
from splitrun.check.variants.crossover import crossover
from splitrun.check.variants.empty import empty_variant
from splitrun.check.variants.split import split
from splitrun.check.words import counted, listed
from splitrun.measure.measured import Dirt
from splitrun.spec.plan import Plan
from tests.check.worlds import evidence, measured, ones, plan, two_shares


def with_exposed(of: Plan, exposed: list[int]) -> Evidence:
    return evidence(of=of, exposed=np.array(exposed))


def test_a_split_at_one_per_cent_does_not_stop() -> None:
    # Cookie Cats: 44,700 and 45,489 units, p = 0.0086, clear at 1 % and not at 0.1 %
    assert split(with_exposed(plan(), [44700, 45489])) is None


def test_uneven_weights_are_what_was_due() -> None:
    uneven = plan(weights={"control": 90, "voucher": 10})

    assert split(with_exposed(uneven, [9000, 1000])) is None
    finding = split(with_exposed(uneven, [8800, 1200]))
    assert finding is not None
    assert "voucher has 1,200 exposed units where 1,000 were due" in finding.says


def test_units_in_a_variant_of_weight_zero_stop() -> None:
    closed = plan(weights={"control": 1, "voucher": 0})

    finding = split(with_exposed(closed, [1000, 3]))

    assert finding is not None
    assert finding.severity is Severity.STOP
    assert finding.says == "voucher has weight 0 and yet 3 exposed units; none was due there"


def test_a_variant_of_weight_zero_may_be_empty() -> None:
    closed = plan(weights={"control": 1, "voucher": 0})

    assert empty_variant(Evidence(closed, two_shares((200, 500), (0, 0)))) is None


@pytest.mark.parametrize(
    ("units", "left_out", "weights", "severity"),
    [
        (1, False, (1, 1), Severity.NOTE),
        (100, False, (1, 1), Severity.WARN),
        (101, False, (1, 1), Severity.STOP),
        (1, True, (1, 1), Severity.WARN),
        (11, True, (1, 1), Severity.STOP),
        (2, True, (9, 1), Severity.STOP),
    ],
)
def test_crossovers_weigh_more_when_left_out_and_most_under_uneven_weights(
    units: int,
    left_out: bool,  # noqa: FBT001 - a column of the table above
    weights: tuple[int, int],
    severity: Severity,
) -> None:
    dirt = Dirt(crossover_units=units, crossovers_left_out=left_out)
    of = plan(weights=dict(zip(("control", "voucher"), weights, strict=True)))

    finding = crossover(evidence(dirt=dirt, of=of))

    assert finding is not None
    assert finding.severity is severity
    assert ("left out" in finding.says) is left_out


def test_few_conversions_are_doubted_from_either_end() -> None:
    rare = Evidence(plan(), two_shares((4, 500), (496, 500)))

    finding = too_few_units(rare)

    assert finding is not None
    assert "fetched has 4 conversions among 500 units of control" in finding.says
    assert "fetched lacks only 4 among 500 units of voucher" in finding.says


def test_a_metric_that_lost_most_of_its_units_is_doubted() -> None:
    full = evidence()
    thin = measured({"fetched": [ones(20, 40), ones(200, 500)]})
    world = replace(full.measured, columns=thin.columns)

    finding = too_few_units(Evidence(full.plan, world))

    assert finding is not None
    assert "fetched has 40 units in control" in finding.says


def test_one_is_counted_in_the_singular_and_long_lists_are_cut() -> None:
    assert (counted(1, "row"), counted(1234, "row")) == ("1 row", "1,234 rows")
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"
