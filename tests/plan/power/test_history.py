"""Which days of history are looked at, and how old what they said is."""

from __future__ import annotations

from datetime import date

import pytest

from splitrun.errors import SpecError
from splitrun.plan.power.aged import aged, joined, only
from splitrun.plan.power.history import days_of, stretch
from splitrun.spec.power.baselines import Baselines
from tests.plan.power.plans import known
from tests.spec.texts import GOOD, plan_of

LAST = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("enrol", "days"),
    [("duration: {enrol: 21d}", 21), ("duration: {enrol: 10d, whole_weeks: false}", 14), ("", 14)],
)
def test_as_many_days_as_will_be_enrolled_in_whole_weeks(enrol: str, days: int) -> None:
    assert days_of(plan_of(GOOD.replace("duration: {enrol: 14d}", enrol))) == days


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ((None, None, None), (date(2026, 2, 15), LAST)),
        ((None, None, 7), (date(2026, 2, 22), LAST)),
        ((date(2026, 1, 1), None, None), (date(2026, 1, 1), LAST)),
        ((date(2026, 1, 1), None, 7), (date(2026, 1, 1), date(2026, 1, 8))),
        ((None, date(2026, 2, 1), 7), (date(2026, 1, 25), date(2026, 2, 1))),
        ((date(2026, 1, 1), date(2026, 2, 1), None), (date(2026, 1, 1), date(2026, 2, 1))),
    ],
)
def test_days_that_are_not_named_follow_from_those_that_are(
    asked: tuple[date | None, date | None, int | None], due: tuple[date, date]
) -> None:
    assert stretch(plan_of(GOOD), asked, LAST) == due


def test_what_is_known_of_two_places_is_joined_by_metric() -> None:
    first = known("units_per_day: 10\nmetrics: {a: {share: 10%}}\nmeasured: here")
    then = known("units_per_day: 20\nmetrics: {a: {share: 20%}, b: {share: 30%}}\nuntil: 2026-02-01")

    found = joined(first, then)

    assert found.units_per_day == 10
    assert (found.metrics["a"], found.metrics["b"]) == (first.metrics["a"], then.metrics["b"])
    assert (found.measured, found.until) == ("here", "2026-02-01")
    assert set(only(found, frozenset({"b"})).metrics) == {"b"}


@pytest.mark.requirement("R06")
def test_baselines_of_more_than_thirty_days_ago_are_told_to_be_old() -> None:
    old = Baselines(until="2026-02-01")

    assert old.age(date(2026, 3, 4)) == 31
    assert aged(old, date(2026, 3, 3), "checkout") == ()
    assert aged(old, date(2026, 3, 4), "checkout")[0].says.endswith("ended 31 days ago, on 2026-02-01")
    assert aged(Baselines(), date(2026, 3, 4), "checkout") == ()


def test_the_end_of_history_is_a_day() -> None:
    with pytest.raises(SpecError, match="'soon' is no day; write it like 2026-11-27"):
        known("until: soon")
