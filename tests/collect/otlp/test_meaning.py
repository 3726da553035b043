"""Log events that the settings name become events, and what is sent again is known again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pydantic import ValidationError

from splitrun.collect.codes import Code
from splitrun.collect.intake import Taken, taken
from splitrun.collect.otlp.batches import Drafts
from splitrun.sdk.event import Event, Unit
from splitrun.spec.project import Mapped, Otlp
from tests.collect.otlp.sending import (
    AT,
    codes,
    evaluation,
    events,
    in_json,
    log,
    logs,
    meaning,
    meant,
    pairs,
    spans,
)

SHOP = Otlp(
    units={"user": "enduser.id", "account": "app.account"},
    events={
        "order.placed": Mapped(
            event="purchase",
            unit="user",
            value="order.total",
            properties={"currency": "order.currency", "lines": "order.lines"},
        ),
        "account.opened": Mapped(unit="account"),
    },
)
MEANS = meaning(SHOP)


def order(**more: object) -> Any:  # noqa: ANN401 - a message of a library
    told: dict[str, Any] = {"enduser__id": "u1", "order__total": 12.5, "order__currency": "EUR"}
    return log("order.placed", **{**told, **more})


def only(found: object) -> Event:
    (one,) = events(found)  # type: ignore[arg-type] # what `meant` gives
    assert isinstance(one, Event)
    return one


@pytest.mark.parametrize("json", [False, True])
def test_a_named_log_event_is_an_event(json: bool) -> None:  # noqa: FBT001
    record = order(order__lines=["a", {"b": 1}], unnamed="left out")

    found = only(meant(logs(record, service__version="2.1"), MEANS, json=json))

    assert found == Event(
        id=found.id,
        time="2026-11-22T08:00:00.000001Z",
        unit=Unit("user", "u1"),
        name="purchase",
        value=12.5,
        release="2.1",
        properties={"currency": "EUR", "lines": ["a", {"b": 1}]},
    )


def test_values_may_stand_in_the_body_or_in_the_resource() -> None:
    record = log("order.placed", body={"order.total": 3, "order.currency": "CHF"})

    found = only(meant(logs(record, enduser__id="u2"), MEANS))

    assert (found.unit, found.value, found.properties) == (Unit("user", "u2"), 3.0, {"currency": "CHF"})


def test_an_event_keeps_its_name_and_may_have_no_value() -> None:
    found = only(meant(logs(log("account.opened", app__account=5)), MEANS))

    assert (found.unit, found.name, found.value) == (Unit("account", "5"), "account.opened", None)


def test_a_named_event_of_a_span_is_an_event() -> None:
    happened = Span.Event(time_unix_nano=AT, name="order.placed", attributes=pairs({"order.total": 1}))

    found = only(meant(spans(Span(events=[happened], attributes=pairs({"enduser.id": "u1"}))), MEANS))

    assert (found.name, found.value) == ("purchase", 1.0)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (log("other"), Code.UNMAPPED),
        (log(""), Code.UNMAPPED),
        (order(enduser__id=None), Code.UNIT),
        (order(enduser__id=["u1"]), Code.UNIT),
        (order(order__total="12.5"), Code.NUMBER),
        (order(order__total=True), Code.NUMBER),
        (order(order__total=float("inf")), Code.NUMBER),
        (order(order__lines=[{"x": float("nan")}]), Code.NUMBER),
    ],
)
def test_what_is_no_event_is_answered_for(record: Any, code: Code) -> None:  # noqa: ANN401
    found = meant(logs(record), MEANS)

    assert (events(found), codes(found)) == ([], [code])


def test_a_record_without_an_id_gets_the_same_id_whenever_and_however_it_is_sent() -> None:
    request = logs(order(), evaluation(), service__name="shop")

    first = [one.id for one in events(meant(request, MEANS))]

    assert [one.id for one in events(meant(request, MEANS, json=True))] == first
    assert len(set(first)) == 2
    assert [one.id for one in events(meant(request, meaning(SHOP, key=b"x" * 32)))] != first
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in first)


@pytest.mark.parametrize(
    "other",
    [
        order(enduser__id="u2"),
        order(order__total=12.6),
        order(request__id="again"),
        log("order.placed", at=AT + 1, enduser__id="u1", order__total=12.5, order__currency="EUR"),
        log("order.placed", body="x", enduser__id="u1", order__total=12.5, order__currency="EUR"),
    ],
)
def test_what_differs_in_anything_is_another_event(other: Any) -> None:  # noqa: ANN401
    first, second = events(meant(logs(order(), other), MEANS))

    assert first.id != second.id


def test_spans_tell_events_apart() -> None:
    other = order()
    other.span_id = b"12345678"

    first, second = events(meant(logs(order(), other), MEANS))

    assert first.id != second.id


def test_records_with_one_id_of_their_own_are_one() -> None:
    # https://opentelemetry.io/docs/specs/semconv/registry/attributes/log/ : log.record.uid
    twice = [order(log__record__uid="01ARZ3NDEKTSV4RRFFQ69G5FAV", seen=at) for at in (1, 2)]

    first, second = events(meant(logs(*twice), MEANS))

    assert first.id == second.id


def test_the_sdk_is_told_as_the_resource_has_it() -> None:
    told: dict[str, Any] = {"telemetry__sdk__name": "opentelemetry", "telemetry__sdk__language": "python"}
    for more, sdk in (
        ({**told, "telemetry__sdk__version": "1.45.2"}, "opentelemetry-python/1.45.2"),
        ({**told, "telemetry__sdk__version": "x" * 256}, "otlp"),
        (told, "otlp"),
    ):
        found = meant(logs(evaluation(), **more))
        assert isinstance(found, Drafts)
        assert found.sdk == sdk


def test_many_events_are_several_batches_that_the_intake_takes() -> None:
    records = [evaluation(feature_flag__context__id=f"u{number}") for number in range(5_001)]
    large = [order(order__currency="x" * 60_000, seen=number) for number in range(70)]

    found = meant(logs(*records, *large), MEANS)

    assert isinstance(found, Drafts)
    assert [len(places) for _, places in found.batches][:1] == [5_000]
    assert len(found.batches) == 3
    assert [place for _, places in found.batches for place in places] == list(range(5_071))
    for body, places in found.batches:
        assert taken(body) == Taken(len(places), known=True)


def test_an_event_that_is_too_large_as_json_is_answered_for() -> None:
    assert codes(meant(logs(order(order__currency="\x01" * 30_000)), MEANS)) == [Code.EVENT_SIZE]


scalars = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(
    st.characters(codec="utf-8"), max_size=9
)  # fmt: skip


@settings(max_examples=100, deadline=None, database=None)
@given(
    st.dictionaries(
        st.sampled_from(["enduser.id", "order.total", "order.currency", "order.lines", "log.record.uid"]),
        scalars,
    )
)
def test_whatever_stands_in_a_named_event_the_intake_can_read_it(attributes: dict[str, Any]) -> None:
    record = log("order.placed", **{name.replace(".", "__"): one for name, one in attributes.items()})

    for json in (False, True):
        found = meant(logs(record), MEANS, json=json)
        assert isinstance(found, Drafts)
        assert len(found.unfit) + len(found.batches) == 1
        assert all(isinstance(taken(body), Taken) for body, _ in found.batches)


def test_settings_say_whose_an_event_is() -> None:
    assert Otlp(units={"user": "a"}, events={"x": Mapped()}).unit_of(Mapped()) == "user"
    wrongs: tuple[dict[str, Any], ...] = (
        {"events": {"x": {}}},
        {"units": {"user": "a", "account": "b"}, "events": {"x": {}}},
        {"units": {"user": "a"}, "events": {"x": {"unit": "account"}}},
        {"units": {"user": ""}},
        {"attributes": {"a b": "x"}},
    )
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            Otlp.model_validate(wrong)


def test_a_request_in_json_is_no_other() -> None:
    assert in_json(logs(order())).startswith(b'{"resourceLogs"')
