from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from splitrun.sdk.outbox.letters import written
from splitrun.sdk.outbox.plain import DEEP, UnfitError, finite, merged, pack, packed, plain
from splitrun.sdk.outbox.told import unpacked


def test_numbers_of_other_kinds_become_floats() -> None:
    assert finite(Decimal("9.99")) == 9.99
    assert finite(np.float64(2.5)) == 2.5
    assert finite(np.bool_(1)) == 1.0
    assert plain({"n": np.float32(0.5), "m": Decimal(1)})[0] == {"n": 0.5, "m": 1.0}


class Order(int):
    """A product's own kind of number."""


@pytest.mark.parametrize(
    ("value", "plainly"),
    [
        (np.int64(2**53 + 1), 2**53 + 1),
        (np.array(2**53 + 1), 2**53 + 1),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (Order(2**53 + 1), 2**53 + 1),
        (np.bool_(1), True),
        (np.bool_(0), False),
    ],
)
def test_whole_numbers_and_truth_values_of_other_kinds_stay_what_they_are(
    value: object, plainly: object
) -> None:
    (taken,) = plain({"x": value})[0].values()
    worth = unpacked(packed(7, "bought", "u1", None, value, {})).value

    assert (type(taken), taken) == (type(plainly), plainly)
    assert worth == plainly


def test_what_is_wrong_with_an_event_is_told_as_what_it_is() -> None:
    with pytest.raises(UnfitError, match="the properties are a list"):
        merged([1], {}, "properties")  # type: ignore[arg-type] # what a caller may do
    with pytest.raises(UnfitError, match=r"from -2\*\*63 to 2\*\*64 - 1"):
        packed(0, "view", "u1", None, None, {"x": 2**64})


class Refusing:
    def __float__(self) -> float:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError


def test_a_value_that_raises_is_the_callers_mistake_and_told_by_its_type() -> None:
    nested: dict[str, object] = {}
    for _ in range(3_000):
        nested = {"x": nested}

    for value in (Refusing(), nested, np.datetime64("2026-11-23"), np.timedelta64(1, "s")):
        with pytest.raises(UnfitError, match="give a"):
            finite(value)
        with pytest.raises(UnfitError, match=r"'x'|deeper"):
            plain({"x": value})


class Nowhere(ZoneInfo):
    def utcoffset(self, moment: datetime | None, /) -> timedelta:
        raise RuntimeError(moment)


class Closed(set[int]):
    def __iter__(self) -> Iterator[int]:
        raise RuntimeError


class Word(str):
    __slots__ = ()

    def __len__(self) -> int:
        raise RuntimeError


@pytest.mark.parametrize(
    "odd",
    [datetime(2026, 3, 2, tzinfo=Nowhere("UTC")), Closed({1}), Word("x"), 2**64],
    ids=["moment", "set", "text", "large number"],
)
def test_what_raises_when_it_is_read_is_the_callers_mistake_too(odd: object) -> None:
    for value, properties in ((odd, {}), (None, {"x": odd, "y": np.int64(1)}), (None, {"x": [{"y": odd}]})):
        with pytest.raises(UnfitError, match="give "):
            unpacked(packed(7, "bought", "u1", None, value, properties))


def test_a_copy_shares_nothing_that_could_change() -> None:
    inner = {"a": [1, 2, (3,)]}
    copy, text = plain({"inner": inner, "s": "text"})
    inner["a"].append(4)

    assert copy == {"inner": {"a": [1, 2, [3]]}, "s": "text"}
    assert text >= len("innerstexta")


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"x": object()}, "'x'"),
        ({"x": {1, object()}}, "'x'"),
        ({"x": [float("nan")]}, "'x'"),
        ({"x": {"y": float("inf")}}, "'y'"),
        ({"x": {3: 1}}, "names are texts"),
        ({"x": b"bytes"}, "'x'"),
    ],
)
def test_what_cannot_be_sent_says_which_property(properties: dict[str, object], says: str) -> None:
    with pytest.raises(UnfitError, match=says):
        plain(properties)


def test_depth_is_bounded() -> None:
    value: object = 1
    for _ in range(DEEP + 5):
        value = [value]

    with pytest.raises(UnfitError, match="nested deeper"):
        plain({"x": value})
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(UnfitError, match="nested deeper"):
        plain({"x": circle})


class Size(Enum):
    LARGE = "L"


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KINDS: dict[str, tuple[object, object]] = {
    "text": ("x", "x"),
    "whole number": (3, 3),
    "number": (0.5, 0.5),
    "boolean": (True, True),
    "None": (None, None),
    "list": (["a", [1]], ["a", [1]]),
    "tuple": (("a", 1), ["a", 1]),
    "mapping": ({"a": {"b": 1}}, {"a": {"b": 1}}),
    "decimal": (Decimal("1.5"), 1.5),
    "date": (date(2026, 3, 2), "2026-03-02"),
    "moment": (NOON, "2026-03-02T12:00:00Z"),
    "moment without a zone": (NOON.replace(tzinfo=None), "2026-03-02T12:00:00"),
    "id": (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    "enumeration": (Size.LARGE, "L"),
    "set": ({4}, [4]),
    "moments": ([NOON], ["2026-03-02T12:00:00Z"]),
}


def at_once(properties: dict[str, object]) -> dict[str, object]:
    return unpacked(pack((properties, "bought", "u1", None, 1.5, 7))).properties


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_packed_at_once_is_what_is_packed_beside_something_unknown(kind: str) -> None:
    value, sent = KINDS[kind]

    quick = at_once({"x": value})
    slow = unpacked(packed(7, "bought", "u1", None, 1.5, {"x": value, "y": np.int64(1)}))

    assert (quick, slow.properties) == ({"x": sent}, {"x": sent, "y": 1})
    assert type(quick["x"]) is type(slow.properties["x"]) is type(sent)
    assert (slow.at, slow.name, slow.unit, slow.unit_type, slow.value) == (7, "bought", "u1", None, 1.5)


def deep(levels: int) -> object:
    return [deep(levels - 1)] if levels else 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"x": float("nan")},
        {"x": [float("inf")]},
        {"x": {"y": Decimal("NaN")}},
        {"x": b"bytes"},
        {3: 1},
        {"x": {None: 1}},
        {"x": deep(DEEP + 1)},
    ],
    ids=["nan", "inf", "decimal", "bytes", "name", "inner name", "deep"],
)
def test_what_cannot_be_sent_is_found_in_what_was_packed(wrong: dict[str, object]) -> None:
    with pytest.raises(UnfitError):
        at_once(wrong)


@pytest.mark.parametrize(
    ("name", "unit", "unit_type", "value"),
    [
        (3, "u1", None, None),
        ("bought", 3, None, None),
        ("bought", b"u1", None, None),
        ("bought", "u1", 3, None),
        ("bought", "u1", None, "1"),
        ("bought", "u1", None, float("nan")),
        ("bought", "u1", None, [1]),
    ],
    ids=repr,
)
def test_an_event_that_is_none_is_found_however_it_was_packed(
    name: object, unit: object, unit_type: object, value: object
) -> None:
    data = pack(({}, name, unit, unit_type, value, 7))

    with pytest.raises(UnfitError):
        unpacked(data)
    with pytest.raises(UnfitError):
        packed(7, name, unit, unit_type, value, {"x": np.int64(1)})


@pytest.mark.parametrize(
    "wrong",
    [{"x": 2**70}, {"x": "\ud800"}, {"x": object()}, {"x": {2: np.int64(1)}}],
    ids=["large", "surrogate", "object", "number of another library"],
)
def test_what_cannot_be_packed_says_so(wrong: dict[str, object]) -> None:
    with pytest.raises(UnfitError):
        packed(7, "bought", "u1", None, None, wrong)


def test_what_was_packed_does_not_change_any_more() -> None:
    items = ["lamp"]
    data = pack(({"items": items}, "bought", "u1", None, None, 7))

    items.append("chair")

    assert unpacked(data).properties == {"items": ["lamp"]}


@pytest.mark.parametrize(
    ("value", "sent"), [(3, 3), (0.5, 0.5), (True, 1.0), (None, None), (Decimal("1.5"), 1.5)]
)
def test_the_value_of_an_event_stays_what_it_is(value: float | None, sent: float | None) -> None:
    told = unpacked(pack(({}, "bought", "u1", "user", value, 7)))

    assert told.value == sent
    assert type(told.value) is type(sent)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_772_452_800_000_001_999, "2026-03-02T12:00:00.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
    ],
)
def test_a_moment_is_written_with_microseconds(at: int, text: str) -> None:
    assert written(at) == text
