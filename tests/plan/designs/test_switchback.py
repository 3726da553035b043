from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from scipy import stats

from splitrun.errors import SpecError
from splitrun.plan.designs.switchback import Period, period_at, run, schedule
from splitrun.plan.designs.told import schedule_text
from tests.plan.designs.people import switching

BERLIN = ZoneInfo("Europe/Berlin")


def utc(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def lengths(periods: tuple[Period, ...]) -> Counter[timedelta]:
    return Counter(one.until.astimezone(UTC) - one.start.astimezone(UTC) for one in periods)


@pytest.mark.requirement("R17")
def test_every_hour_of_the_week_has_each_variant_equally_often() -> None:
    found = schedule(switching(periods=672), ["north", "south"], 3).periods

    for region in ("north", "south"):
        seen = Counter(
            (one.start.weekday(), one.start.hour, one.variant) for one in found if one.region == region
        )
        assert len(seen) == 168 * 2
        assert set(seen.values()) == {2}
    assert schedule(switching(periods=672), ["south", "north"], 3).periods == found


def test_weights_hold_in_every_part_of_the_cycle() -> None:
    design = switching(period="4h", periods=18, cycle="day", variants={"control": 2, "b": 4})

    found = schedule(design, ["all"], 1).periods

    seen = Counter((one.start.hour, one.variant) for one in found)
    assert {count for (_, variant), count in seen.items() if variant == "b"} == {2}
    assert {count for (_, variant), count in seen.items() if variant == "control"} == {1}


def test_regions_are_dealt_apart_and_one_more_changes_no_other() -> None:
    alone = schedule(switching(), ["north"], 3).periods
    both = schedule(switching(), ["north", "south"], 3).periods

    assert tuple(one for one in both if one.region == "north") == alone
    north, south = ([one.variant for one in both if one.region == name] for name in ("north", "south"))
    assert 100 < sum(a == b for a, b in zip(north, south, strict=True)) < 236


def test_a_period_has_each_variant_with_equal_chance_under_a_limit() -> None:
    design = switching(period="6h", periods=8, cycle="day", most_in_row=2)
    seeds = 4_000
    treated = [0] * 8
    for seed in range(seeds):
        for place, one in enumerate(schedule(design, ["all"], seed).periods):
            treated[place] += one.variant == "treatment"

    low, high = stats.binom.interval(1 - 1e-4, seeds, 1 / 2)
    assert all(low <= count <= high for count in treated)


@pytest.mark.parametrize("most", [2, 3, 5])
def test_no_more_of_a_variant_come_in_a_row_than_allowed(most: int) -> None:
    design = switching(most_in_row=most, variants={"control": 1, "b": 1, "c": 1}, periods=504)

    found = schedule(design, ["all"], 9).periods

    assert run([one.variant for one in found]) <= most


def test_a_limit_that_cannot_be_kept_is_refused() -> None:
    # 168 hours that alternate end with the variant that the mirrored week begins with
    with pytest.raises(
        SpecError, match="no schedule was found with at most 1 of a variant in a row; allow one more"
    ):
        schedule(switching(most_in_row=1), ["all"], 1)


def test_burn_in_follows_each_switch_and_the_start_and_nothing_else() -> None:
    found = schedule(switching(), ["all"], 3).periods

    before = None
    for one in found:
        burnt = one.burn_in_until - one.start
        assert burnt == timedelta(minutes=0 if one.variant == before else 10)
        before = one.variant


def test_in_spring_the_hour_that_is_jumped_over_is_left_out() -> None:
    # Europe/Berlin, 2026-03-29: the clock goes from 02:00 to 03:00 at 01:00 UTC
    found = schedule(switching(start="2026-03-16T00:00"), ["all"], 3)

    assert lengths(found.periods) == {timedelta(hours=1): 335}
    around = [one for one in found.periods if utc(29, 0) <= one.start.astimezone(UTC) < utc(29, 3)]
    assert [one.start.isoformat() for one in around] == [
        "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00",
    ]  # fmt: skip
    assert found.periods[-1].until.isoformat() == "2026-03-30T00:00:00+02:00"
    assert "1 of 336 periods are not 1h long" in found.notes[0]
    assert "1 without length left out" in found.notes[0]


def test_a_boundary_inside_the_jump_is_the_jump() -> None:
    found = schedule(switching(start="2026-03-29T00:30", periods=48, cycle="day"), ["all"], 3).periods

    # 01:30 to 02:30 ends at the jump, which is 03:00 summer time
    assert [one.start.astimezone(UTC) for one in found[:4]] == [
        datetime(2026, 3, 28, 23, 30, tzinfo=UTC), utc(29, 0, 30), utc(29, 1), utc(29, 1, 30),
    ]  # fmt: skip


def test_in_autumn_the_hour_that_comes_twice_is_one_long_period() -> None:
    # Europe/Berlin, 2026-10-25: the clock goes back from 03:00 to 02:00 at 01:00 UTC
    found = schedule(switching(start="2026-10-25T00:00", periods=48, cycle="day"), ["all"], 3)

    assert lengths(found.periods) == {timedelta(hours=1): 47, timedelta(hours=2): 1}
    assert found.periods[2].start.astimezone(UTC) == utc(25, 0, month=10)
    assert "(period 3 lasts 2:00:00)" in found.notes[0]


def test_a_start_in_the_hour_that_comes_twice_is_told_by_its_offset() -> None:
    found = schedule(
        switching(start="2026-10-25T02:00:00+01:00", periods=48, cycle="day"), ["all"], 3
    ).periods

    assert found[0].start.astimezone(UTC) == utc(25, 1, month=10)
    assert lengths(found) == {timedelta(hours=1): 48}


def test_in_utc_every_period_is_as_long_as_written() -> None:
    found = schedule(switching(start="2026-03-16T00:00", zone="UTC"), ["all"], 3)

    assert lengths(found.periods) == {timedelta(hours=1): 336}
    assert found.notes == ()


def test_an_instant_lies_in_the_period_that_began_last() -> None:
    found = schedule(switching(start="2026-03-16T00:00"), ["north", "south"], 3).periods

    first = found[0]
    assert period_at(found, "north", first.start) == first
    assert period_at(found, "north", first.until - timedelta(microseconds=1)) == first
    assert period_at(found, "north", first.until) == found[1]
    assert period_at(found, "north", first.start - timedelta(microseconds=1)) is None
    assert period_at(found, "north", datetime(2026, 3, 29, 22, tzinfo=UTC)) is None
    assert period_at(found, "east", first.start) is None
    last = period_at(found, "south", datetime(2026, 3, 29, 23, 30, tzinfo=BERLIN))
    assert last == found[-1]
    with pytest.raises(SpecError, match="names no time zone"):
        period_at(found, "north", datetime(2026, 3, 20))  # noqa: DTZ001 - the mistake is the point


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"periods": 400}, r"400 periods of 1h are 2.38095 weeks.*write 336 or 672 periods"),
        ({"periods": 100}, r"write 336 periods"),
        ({"start": "9999-12-31", "cycle": "none"}, r"336 periods of 1h from .* leave the calendar"),
        ({"start": "0001-01-01", "zone": "Asia/Tokyo"}, r"leave the calendar"),
        ({"period": "5h"}, r"periods of 5h do not fit into a week; write a period that divides a week"),
    ],
)
def test_periods_that_make_no_whole_cycles_are_refused(said: dict[str, object], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        schedule(switching(**said), ["all"], 1)


def test_without_a_cycle_the_schedule_says_what_is_lost() -> None:
    found = schedule(switching(cycle="none", periods=7, burn_in=None), ["all"], 1)

    assert "no cycle is kept" in found.notes[0]
    assert "the last group is cut off" in found.notes[1]
    assert "no burn-in" in found.notes[2]
    counts = Counter(one.variant for one in found.periods[:6])
    assert counts == {"control": 3, "treatment": 3}


def test_many_regions_are_told_in_a_few_lines() -> None:
    design = switching(cycle="none", periods=2)

    told = schedule_text(design, schedule(design, [f"r{index:02}" for index in range(20)], 1), 1)

    assert "r00: control 1, treatment 1 periods" in told
    assert "and 8 more regions" in told
