from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from splitrun.spec.amount import Change, Portion, Size, Window, told_window, written_window


@pytest.mark.parametrize(
    ("written", "value", "relative"),
    [("1%", 0.01, True), ("2.5%", 0.025, True), ("1pp", 0.01, False), (0.5, 0.5, False), (3, 3.0, False)],
)
def test_an_amount_of_change_is_relative_only_with_a_percent_sign(
    written: str | float, value: float, *, relative: bool
) -> None:
    assert TypeAdapter(Change).validate_python(written) == Size(value=value, relative=relative)


def test_a_size_stands_for_itself_and_is_written_as_it_is_read() -> None:
    size = Size(value=0.025, relative=True)

    assert TypeAdapter(Change).validate_python(size) is size
    assert (size.written, Size(value=0.5, relative=False).written) == ("2.5%", "0.5")


@pytest.mark.parametrize(
    "written", [True, None, (1,), "1 %", "%", "1e3%", "٣%", 0, -1, "0%", "1001%", "9" * 40 + "%"]
)
def test_what_is_no_amount_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Change).validate_python(written)


@pytest.mark.parametrize(
    ("written", "days"), [("7d", 7), ("2w", 14), ("24h", 1), ("1440m", 1), (timedelta(days=3), 3)]
)
def test_a_span_is_a_whole_number_with_a_unit(written: object, days: int) -> None:
    assert TypeAdapter(Window).validate_python(written) == timedelta(days=days)


@pytest.mark.parametrize("written", ["7", "0d", "7 d", "1y", "-1d", 7, None, True, (1,), {"d": 7}, "999999w"])
def test_what_is_no_span_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Window).validate_python(written)


def test_a_span_is_written_in_the_largest_unit_that_divides_it() -> None:
    spans = [timedelta(days=14), timedelta(hours=36), timedelta(minutes=90)]

    assert [written_window(span) for span in spans] == ["14d", "36h", "90m"]


def test_a_span_that_nobody_counts_in_minutes_is_told_in_days_hours_and_minutes() -> None:
    spans = [
        timedelta(days=14),
        timedelta(hours=36),
        timedelta(days=14, minutes=1),
        timedelta(days=3, hours=2),
    ]

    assert [told_window(span) for span in spans] == ["14d", "36h", "14d 1m", "3d 2h"]


@pytest.mark.parametrize(("written", "share"), [("50%", 0.5), ("100ppm", 0.0001), (0.25, 0.25), (1, 1.0)])
def test_a_share_of_units_is_read_as_people_write_it(written: object, share: float) -> None:
    assert TypeAdapter(Portion).validate_python(written) == share


@pytest.mark.parametrize("written", ["half", "0%", "101%", 50, 0, True, None, ()])
def test_what_is_no_share_of_units_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Portion).validate_python(written)
