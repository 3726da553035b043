"""When effects are read."""

from __future__ import annotations

import pytest

from splitrun.spec.amount import written_window
from tests.spec.texts import GOOD, plan_of

RULES = "analysis: {method: fixed, alpha: 0.05}\nduration: {enrol: 14d}"


def looks(written: str, enrol: str = "14d") -> list[str]:
    """Looks of the good experiment, whose metrics have a window of 7 days."""
    rules = f"analysis: {{planned_units: 4000{written}}}\nduration: {{enrol: {enrol}, whole_weeks: false}}"
    plan = plan_of(GOOD.replace(RULES, rules))
    return [written_window(span) for span in plan.analysis.looks]


@pytest.mark.parametrize(
    ("written", "enrol", "expected"),
    [
        # enrolment and observation are 21 days; on day 7 nobody exposed after the first moment has matured
        ("", "14d", ["14d", "21d"]),
        (", looks: weekly", "14d", ["14d", "21d"]),
        (", looks: 4", "14d", ["252h", "14d", "420h", "21d"]),
        (", looks: 1", "14d", ["21d"]),
        (", looks: [10d, 2w]", "14d", ["10d", "14d", "21d"]),
        (", looks: [10d, 3w]", "14d", ["10d", "21d"]),
        (", looks: daily", "3d", ["8d", "9d", "10d"]),
        (", looks: weekly", "10d", ["14d", "17d"]),
        (", looks: weekly", "1d", ["8d"]),
    ],
)
def test_looks_lie_between_the_first_unit_that_counts_and_the_planned_end(
    written: str, enrol: str, expected: list[str]
) -> None:
    assert looks(written, enrol) == expected


def test_at_most_six_looks_are_taken_where_nobody_chose() -> None:
    # 13 weeks: looks could be had after weeks 2 to 13, of which every second is kept
    assert looks("", "84d") == ["21d", "35d", "49d", "63d", "77d", "91d"]
    assert len(looks(", looks: weekly", "84d")) == 12
    # 10 weeks: nine looks could be had
    assert looks("", "63d") == ["21d", "28d", "42d", "49d", "63d", "70d"]


def test_as_many_looks_as_were_asked_for_are_equally_far_apart() -> None:
    assert len(looks(", looks: 14", "28d")) == 14
    # a third of ten minutes is no whole minute
    assert looks(", looks: 3", "10m") == ["10083m", "10086m", "10090m"]


@pytest.mark.parametrize("method", ["fixed", "sequential", "hybrid"])
def test_methods_without_planned_looks_have_the_planned_end_alone(method: str) -> None:
    plan = plan_of(GOOD.replace("method: fixed", f"method: {method}, planned_units: 4000"))

    assert [span.days for span in plan.analysis.looks] == [21]


def test_without_a_duration_there_is_no_planned_end() -> None:
    plan = plan_of(GOOD.replace("duration: {enrol: 14d}\n", ""))

    assert plan.analysis.looks == ()


def test_the_planned_end_waits_for_the_longest_window_that_decides() -> None:
    text = GOOD.replace("window: 7d, better: higher}]", "window: 2w, better: higher}]")

    plan = plan_of(text.replace("method: fixed", "planned_units: 4000"))

    # the guardrail has 7 days, the secondary has 7 days
    assert plan.observation.days == 14
    assert [span.days for span in plan.analysis.looks] == [21, 28]
