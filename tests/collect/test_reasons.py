"""What is counted of what is turned away, and that no id is kept with it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitrun.collect.codes import Code, Refused
from splitrun.collect.intake import Taken, taken
from splitrun.collect.reasons import declined, remedy, told, turned_away
from splitrun.sdk.event import Unit

TIME = "2026-11-22T08:00:00Z"
SECRET = "anna.o'neil-4711@example.com"  # noqa: S105  # the id of a person


def event(**other: object) -> dict[str, object]:
    return {
        "type": "event",
        "id": "e1",
        "time": TIME,
        "unit": {"type": "user", "id": "u1"},
        "name": "x",
    } | other


def batch(*events: object) -> bytes:
    return json.dumps({"sent_at": TIME, "sdk": "test/1", "events": events}).encode()


def test_every_code_has_something_to_do_about_it() -> None:
    assert [code for code in Code if not remedy(f"rejected: {code}") or not remedy(f"refused: {code}")] == []


def test_rejected_and_objecting_units_are_counted_apart() -> None:
    body = batch(event(), event(id=""), event(unit={"type": "user", "id": "gone"}), event(time="now"))

    found = taken(body, unwanted=lambda unit: unit == Unit("user", "gone"))

    assert isinstance(found, Taken)
    assert found.sdk == "test/1"
    assert [(reason, count) for reason, count, _ in turned_away(found)] == [
        ("rejected: event_id", 1),
        ("rejected: time", 1),
        ("objected", 1),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        event(id=f"ü{SECRET}"),
        event(id=SECRET * 20),
        event(time=SECRET),
        event(unit={"type": SECRET + "\n", "id": "u1"}),
        event(unit={"type": "user", "id": SECRET + "\x00"}),
        event(name=SECRET + "\t"),
        event(type=SECRET),
        event(value=SECRET),
        event(properties={SECRET: {SECRET: 2e15}}),
        event(value=4711471147114711471),
        event(properties={"a": 4711471147114711471}),
    ],
)
def test_an_example_holds_nothing_that_the_client_wrote(bad: dict[str, object]) -> None:
    found = taken(batch(bad))

    assert isinstance(found, Taken)
    ((_, count, example),) = turned_away(found)
    assert count == 1
    assert example
    assert not [part for part in ("4711", "anna", "neil", "example") if part in example]


@given(st.text(min_size=1))
def test_whatever_stands_in_quotes_is_taken_out(text: str) -> None:
    assert told(f"the event's id is {text!r}; give another") == "the event's id is …; give another"


def test_a_refused_batch_is_counted_by_its_code_without_its_text() -> None:
    found = taken(json.dumps({"sent_at": SECRET, "sdk": "x", "events": []}).encode())

    assert isinstance(found, Refused)
    reason, count, example = declined(found)
    assert (reason, count) == ("refused: not_a_batch", 1)
    assert "4711" not in example
