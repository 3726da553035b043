"""Whom a frame stands for, by hand arithmetic."""

from __future__ import annotations

from math import sqrt

import pytest

from splitrun.errors import SpecError
from splitrun.plan.power.aged import joined
from splitrun.plan.representation.frame import advised, left_out, represented, shares
from splitrun.spec.power.baselines import Baselines, FrameLevel, Representation, read_baselines
from tests.plan.representation.frames import ALL, NO_TABLETS, framed


@pytest.mark.requirement("R10")
def test_each_level_is_held_against_the_population() -> None:
    mobile, tablet, desktop, only = shares(NO_TABLETS)

    # 46, 31 and 23 of 100 units; of the frame 46, 0 and 23 of 69
    assert (mobile.population, tablet.population, desktop.population) == (0.46, 0.31, 0.23)
    assert mobile.frame == pytest.approx(2 / 3)
    assert mobile.difference == pytest.approx(2 / 3 - 0.46)
    # p (1 - p) is 2/9 and 0.46 * 0.54 = 0.2484, the root of their mean 0.4851, and 0.20667 / 0.4851
    assert mobile.standardised == pytest.approx(0.4260, abs=5e-5)
    assert tablet.difference == pytest.approx(-0.31)
    assert tablet.standardised == pytest.approx(-0.31 / sqrt(0.31 * 0.69 / 2))
    assert [one.missed for one in (mobile, tablet, desktop, only)] == [False, True, False, False]
    # all of both are of one country: nothing varies, and nothing differs
    assert (only.difference, only.standardised) == (0.0, 0.0)


@pytest.mark.requirement("R10")
def test_a_level_that_is_missed_wholly_is_told_in_a_sentence() -> None:
    (found,) = advised(framed(NO_TABLETS))

    assert found.code == "frame_leaves_out"
    assert found.says == (
        "the frame leaves out 31 % of the population users (31 of 100 units): no unit with device = tablet"
    )


def test_a_frame_that_reaches_every_level_says_so() -> None:
    some = FrameLevel(label="mobile", population=100, frame=69)

    assert left_out(NO_TABLETS.model_copy(update={"by": {"device": (some,)}})) == (
        "the frame leaves out 31 % of the population users (31 of 100 units); every level of device is in it"
    )


def test_small_levels_are_told_together_and_long_lists_are_cut() -> None:
    levels = [FrameLevel(label=f"x{place}", population=3, frame=0) for place in range(7)]
    small = FrameLevel(label="small", levels=9, population=10, frame=0)
    whole = FrameLevel(label="mobile", population=69, frame=69)

    many = NO_TABLETS.model_copy(update={"by": {"device": (whole, *levels, small)}})
    few = NO_TABLETS.model_copy(update={"by": {"device": (whole, levels[0], small)}})

    assert left_out(many).endswith("device = x4, device = x5 and 2 more")
    assert left_out(few).endswith("no unit with device = x0, any of 9 smaller levels of device")


def test_a_frame_of_nobody_has_no_shares() -> None:
    nobody = FrameLevel(label="mobile", population=100, frame=0)

    (found,) = shares(NO_TABLETS.model_copy(update={"inside": 0, "by": {"device": (nobody,)}}))

    assert (found.frame, found.difference, found.standardised) == (None, None, None)
    assert found.missed


def test_no_spread_and_a_difference_is_no_number() -> None:
    levels = (
        FrameLevel(label="a", population=50, frame=50),
        FrameLevel(label="b", population=50, frame=0),
    )
    all_or_none = NO_TABLETS.model_copy(update={"inside": 50, "by": {"device": levels}})

    # p (1 - p) is 0 in the frame and 0.25 in the population
    assert [one.standardised for one in shares(all_or_none)] == pytest.approx([sqrt(2), -sqrt(2)])


@pytest.mark.requirement("R10")
@pytest.mark.parametrize(
    ("by", "audience", "says"),
    [
        (("device", "country"), None, "was measured for another frame or audience"),
        (("device",), "device <> 'tablet'", "was measured for another frame or audience"),
    ],
)
def test_what_was_measured_of_another_frame_counts_not(
    by: tuple[str, ...], audience: str | None, says: str
) -> None:
    plan = framed(NO_TABLETS, *by, audience=audience)

    (found,) = advised(plan)
    assert represented(plan) is None
    assert found.code == "frame_unmeasured"
    assert found.says.endswith(says)
    assert found.next == "measure it with `splitrun baseline checkout`"


@pytest.mark.requirement("R10")
def test_a_frame_that_nobody_measured_is_told_and_a_whole_one_is_not() -> None:
    (found,) = advised(framed(None))

    assert found.says == "how far those who are taken stand for the population users was not measured"
    assert list(advised(framed(ALL, "device", audience=None))) == []
    none = framed(NO_TABLETS)
    bare = none.model_copy(update={"delivery": none.delivery.model_copy(update={"frame": None})})
    assert list(advised(bare)) == []


def test_the_frame_stands_beside_other_baselines() -> None:
    by_hand = Baselines(units_per_day=5.0)

    assert joined(by_hand, Baselines(frame=ALL)).frame == ALL
    assert joined(Baselines(frame=NO_TABLETS), Baselines(frame=ALL)).frame == NO_TABLETS


@pytest.mark.parametrize(
    ("levels", "says"),
    [
        ("{label: a, population: 9, frame: 5}", "the levels of device count 9 and 5 units, and there are 10"),
        (
            "{label: a, population: 4, frame: 5}, {label: b, population: 6, frame: 0}",
            "a level of device has more units in the frame than in the population",
        ),
    ],
)
def test_counts_that_cannot_be_are_refused(levels: str, says: str) -> None:
    text = (
        "frame: {population: users, measured: '2026-03-01', units: 10, inside: 5, "
        f"by: {{device: [{levels}]}}}}\n"
    )

    with pytest.raises(SpecError, match=says):
        read_baselines(text, "checkout.yaml")


def test_a_frame_is_part_of_the_file_only_where_there_is_one() -> None:
    assert "frame" not in Baselines().model_dump()
    assert Representation.model_validate_json(NO_TABLETS.model_dump_json()) == NO_TABLETS
