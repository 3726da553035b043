"""Units against the population that they should represent, by hand arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from splitrun.check.units.represented import unrepresentative
from tests.check.represented import DEVICES, sampled

ALIKE = {"mobile": 230, "tablet": 155, "desktop": 115}


@pytest.mark.requirement("R10")
@pytest.mark.parametrize(
    ("sample", "says"),
    [
        (ALIKE, None),
        # of 1,000 units four standard errors of 31 % are 5.85 points, and 0.1 is about 4.6 points
        ({"mobile": 230 + 28, "tablet": 155 - 28, "desktop": 115}, None),
        # tablets 250 of 1,000: -0.06 / sqrt((0.25 * 0.75 + 0.31 * 0.69) / 2) = -0.134
        (
            {"mobile": 230 + 15, "tablet": 155 - 30, "desktop": 115 + 15},
            "device = tablet is 25 % of them and 31 % of it (standardised difference -0.134)",
        ),
        # of 100 units four standard errors are 18.5 points
        ({"mobile": 23 + 7, "tablet": 15 - 7, "desktop": 12}, None),
    ],
)
def test_a_share_lies_off_beyond_chance_and_notably(sample: Mapping[str, int], says: str | None) -> None:
    found = unrepresentative(sampled(sample, DEVICES))

    told = None if says is None else f"units are not like the population: {says}"
    assert (None if found is None else found.says) == told


@pytest.mark.requirement("R10")
def test_a_level_that_never_came_is_named() -> None:
    found = unrepresentative(sampled({"mobile": 333, "desktop": 167}, DEVICES))

    assert found is not None
    assert "device = tablet is 0 % of them and 31 % of it (standardised difference -0.948)" in found.says


def test_a_level_that_may_be_among_the_others_is_not_judged() -> None:
    assert unrepresentative(sampled({"mobile": 230, "desktop": 115, "other": 155}, DEVICES)) is None


def test_levels_that_are_counted_together_are_not_judged() -> None:
    assert unrepresentative(sampled({"mobile": 500}, DEVICES, levels=3)) is None


def test_two_shares_without_spread_are_told_without_a_number() -> None:
    found = unrepresentative(sampled({"mobile": 500}, {"tablet": 100}))

    assert found is not None
    assert found.says.endswith("device = tablet is 0 % of them and 100 % of it")


def test_nothing_is_compared_without_units_a_measured_frame_or_its_segment() -> None:
    away = sampled({"mobile": 500}, DEVICES)
    bare = replace(away, plan=away.plan.model_copy(update={"baselines": None}))
    cut = away.plan.segments[0].model_copy(
        update={"segment": away.plan.segments[0].segment.model_copy(update={"values": "country"})}
    )
    other = replace(away, plan=away.plan.model_copy(update={"segments": (cut,)}))

    assert unrepresentative(away) is not None
    assert unrepresentative(bare) is None
    assert unrepresentative(other) is None
    assert unrepresentative(sampled({"mobile": 0}, DEVICES)) is None
