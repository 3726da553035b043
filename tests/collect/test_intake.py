"""What is taken of a batch, and why the rest is not (faults B1 to B5): tables of hostile bodies."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitrun.assign.slots import LONGEST
from splitrun.collect import intake
from splitrun.collect.codes import Code, Refused
from splitrun.collect.intake import Taken, taken
from splitrun.collect.limits import BATCH_BYTES, BATCH_EVENTS, EVENT_BYTES
from splitrun.collect.strict import fitting

TIME = "2026-11-22T08:00:00.000000Z"
EVENT = {
    "type": "event",
    "id": "e1",
    "time": TIME,
    "unit": {"type": "user", "id": "u1"},
    "name": "purchase",
}
EXPOSURE = {
    "type": "exposure",
    "id": "x1",
    "time": TIME,
    "unit": {"type": "user", "id": "u1"},
    "flag": "checkout",
    "experiment": "page",
    "version": 1,
    "phase": 1,
    "variant": "treatment",
    "ruleset": 1,
    "reason": "SPLIT",
}
ALIAS = {
    "type": "alias",
    "id": "a1",
    "time": TIME,
    "unit": {"type": "user", "id": "u1"},
    "was": {"type": "device", "id": "d1"},
}


def written(*events: object) -> bytes:
    return json.dumps({"sent_at": TIME, "sdk": "test/1", "events": events}, ensure_ascii=False).encode()


def raw(event: str) -> bytes:
    return f'{{"sent_at":"{TIME}","sdk":"test/1","events":[{event}]}}'.encode()


def carrying(value: str) -> bytes:
    return raw(json.dumps(EVENT)[:-1] + f', "properties": {{"p": {value}}}}}')


def valued(value: str) -> bytes:
    return raw(json.dumps(EVENT)[:-1] + f', "value": {value}}}')


def code_of(body: bytes) -> str:
    """The code of the only event, or of the batch; empty where it is taken."""
    match taken(body):
        case Refused(code=code):
            return code
        case found:
            assert found.out == tuple(one.index for one in found.rejected)
            assert found.events + len(found.rejected) == 1
            return found.rejected[0].code if found.rejected else ""


def test_every_kind_of_event_is_taken() -> None:
    assert taken(written(EVENT, EXPOSURE, ALIAS)) == Taken(3)
    assert taken(written(EVENT, EXPOSURE)) == Taken(2, known=True)
    assert taken(written()) == Taken(0)


def test_a_bad_event_rejects_itself_alone() -> None:
    found = taken(written(EVENT, {**EVENT, "id": ""}, EXPOSURE, 7))

    assert isinstance(found, Taken)
    assert (found.events, found.out) == (2, (1, 3))
    assert [(one.index, one.code) for one in found.rejected] == [(1, Code.EVENT_ID), (3, Code.SHAPE)]


@pytest.mark.requirement("R19")
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", Code.EMPTY),
        (b"{", Code.NOT_JSON),
        (b"not json", Code.NOT_JSON),
        (b"\xef\xbb\xbf" + written(EVENT), Code.NOT_JSON),
        (written(EVENT) + b"{}", Code.NOT_JSON),
        (written(EVENT) + b"\x00", Code.NOT_JSON),
        (written(EVENT)[:-1], Code.NOT_JSON),
        (b'{"sent_at":"\xff","sdk":"t","events":[]}', Code.NOT_JSON),
        (written(EVENT).decode().encode("utf-16"), Code.NOT_JSON),
        (b"[]", Code.NOT_A_BATCH),
        (b"null", Code.NOT_A_BATCH),
        (b"{}", Code.NOT_A_BATCH),
        (b'{"sent_at":1,"sdk":"t","events":[]}', Code.NOT_A_BATCH),
        (b'{"sent_at":"today","sdk":"t","events":[]}', Code.NOT_A_BATCH),
        (b'{"sent_at":"2026-11-22T08:00:00","sdk":"t","events":[]}', Code.NOT_A_BATCH),
        (b'{"sent_at":"2026-11-22T08:00:00Z","sdk":"t","events":{}}', Code.NOT_A_BATCH),
        (b"[" * 100_000, Code.NOT_A_BATCH),
        (written(*[0] * (BATCH_EVENTS + 1)), Code.TOO_MANY),
        (b" " * (BATCH_BYTES + 1), Code.TOO_LARGE),
    ],
)
def test_a_body_that_is_no_batch_is_refused_whole(body: bytes, code: Code) -> None:
    found = taken(body)

    assert isinstance(found, Refused)
    assert (found.code, found.status) == (code, 413 if code in {Code.TOO_LARGE, Code.TOO_MANY} else 400)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("0", ""),
        ("-1", ""),
        ("1.5", ""),
        ("1e15", ""),
        ("-1000000000000000", ""),
        ("null", ""),
        ("1.0000000000000002e15", Code.NUMBER),
        ("1000000000000001", Code.NUMBER),
        ("9223372036854775808", Code.NUMBER),
        ("1" + "0" * 300, Code.NUMBER),
        ("1" * 400, Code.SHAPE),
        ("1e999", Code.SHAPE),
        ("-1e999", Code.SHAPE),
        ("NaN", Code.NOT_JSON),
        ("Infinity", Code.NOT_JSON),
        ("true", Code.SHAPE),
        ('"3"', Code.SHAPE),
        ("[3]", Code.SHAPE),
    ],
)
def test_numbers_are_finite_and_within_bounds(number: str, code: str) -> None:
    # NaN and Infinity break the JSON of the whole batch, so that the batch is refused
    assert code_of(valued(number)) == code


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("1e15", ""),
        ("true", ""),
        ('"x"', ""),
        ("null", ""),
        ("1e16", Code.NUMBER),
        ("9223372036854775808", Code.NUMBER),
    ],
)
def test_numbers_of_properties_are_within_the_same_bounds(number: str, code: str) -> None:
    assert code_of(carrying(number)) == code
    assert code_of(carrying(f"[{number}]")) == code
    assert code_of(carrying(f'{{"a": [{number}]}}')) == code


@pytest.mark.requirement("R19")
@pytest.mark.parametrize(
    ("levels", "code"),
    [(30, ""), (31, Code.DEPTH), (100, Code.DEPTH), (20_000, Code.DEPTH), (100_000, Code.DEPTH)],
)
@pytest.mark.parametrize(("before", "after"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_bounded(levels: int, code: str, before: str, after: str) -> None:
    # the event is the first level, its properties the second
    assert code_of(carrying(before * levels + "1" + after * levels)) == code


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({f"k{number}": 1 for number in range(256)}, ""),
        ({f"k{number}": 1 for number in range(257)}, Code.PROPERTIES),
        ({f"k{number}": 1 for number in range(4_000)}, Code.PROPERTIES),
        ({f"k{number}": 1 for number in range(10_000)}, Code.EVENT_SIZE),
        ({"k" * 256: 1}, ""),
        ({"k" * 257: 1}, Code.PROPERTIES),
        ({"k" * 64_000: 1}, Code.EVENT_SIZE),
        ({"": 1}, ""),
        ({"a": {"k" * 257: 1}}, Code.PROPERTIES),
    ],
)
def test_properties_are_bounded(properties: dict[str, object], code: str) -> None:
    assert code_of(written({**EVENT, "properties": properties})) == code
    assert code_of(written({**EXPOSURE, "attributes": properties})) == code


@pytest.mark.parametrize(
    "event",
    [
        '{"type":"event","id":"a","id":"b","time":"%s","unit":{"type":"u","id":"1"},"name":"n"}',
        '{"type":"event","id":"a","time":"%s","unit":{"type":"u","id":"1","id":"2"},"name":"n"}',
        '{"type":"event","id":"a","time":"%s","unit":{"type":"u","id":"1"},"name":"n","properties":{"p":1,"p":1}}',
        '{"type":"event","id":"a","time":"%s","unit":{"type":"u","id":"1"},"name":"n","properties":{"p":1,"\\u0070":1}}',
        '{"type":"event","id":"a","time":"%s","unit":{"type":"u","id":"1"},"name":"n","properties":{"q":[{"p":1,"p":2}]}}',
    ],
)
def test_a_name_that_is_written_twice_in_one_object_rejects_the_event(event: str) -> None:
    assert code_of(raw(event % TIME)) == Code.DUPLICATE_KEY


@pytest.mark.requirement("R19")
@pytest.mark.parametrize(
    ("unit", "code"),
    [
        ("u1", ""),
        ("😀👨‍👩‍👧", ""),
        ("مستخدم", ""),
        ("é", ""),  # composed
        ("e\u0301", ""),  # decomposed: another unit
        ("a\u200bb", ""),
        (" u1 ", ""),
        ("0", ""),
        ("-1", ""),
        ("u" * LONGEST, ""),
        ("é" * (LONGEST // 2), ""),
        ("", Code.UNIT),
        ("null", Code.UNIT),
        ("undefined", Code.UNIT),
        ("a\x00b", Code.UNIT),
        ("u" * (LONGEST + 1), Code.UNIT),
        ("é" * (LONGEST // 2 + 1), Code.UNIT),
        ("u" * 1_000_000, Code.EVENT_SIZE),
    ],
)
def test_ids_are_taken_as_they_are_or_refused(unit: str, code: str) -> None:
    whom = {"type": "user", "id": unit}

    assert code_of(written({**EVENT, "unit": whom})) == code
    assert code_of(written({**EXPOSURE, "unit": whom})) == code
    assert code_of(written({**ALIAS, "was": whom})) == code
    found = taken(written({**EVENT, "unit": whom}))
    assert isinstance(found, Taken)
    if found.rejected and len(unit) > 9:
        assert unit not in found.rejected[0].says  # the sentence tells no id


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ('"\\ud800"', {Code.NOT_JSON, Code.SHAPE}),
        ('"\\udc00x"', {Code.NOT_JSON, Code.SHAPE}),
        ("7", {Code.SHAPE}),
        ("null", {Code.SHAPE}),
    ],
)
def test_an_id_that_is_no_text_is_refused(event: str, code: set[str]) -> None:
    text = json.dumps(EVENT).replace('"id": "u1"', f'"id": {event}')

    assert code_of(raw(text)) in code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "page"}, Code.SHAPE),
        ({"id": ""}, Code.EVENT_ID),
        ({"id": "é"}, Code.EVENT_ID),
        ({"id": "a\nb"}, Code.EVENT_ID),
        ({"id": "a\x7fb"}, Code.EVENT_ID),
        ({"name": "a\x7fb"}, Code.NAME),
        ({"name": "a\u200bb"}, Code.NAME),
        ({"name": "achète"}, ""),
        ({"id": "e" * 257}, Code.EVENT_ID),
        ({"id": "e" * 256}, ""),
        ({"id": 1}, Code.SHAPE),
        ({"time": "2026-11-22T08:00:00"}, Code.TIME),
        ({"time": "2026-02-30T08:00:00Z"}, Code.TIME),
        ({"time": "yesterday"}, Code.TIME),
        ({"time": ""}, Code.TIME),
        ({"time": "2026-11-22T09:00:00+01:00"}, ""),
        ({"unit": {"type": "", "id": "u"}}, Code.UNIT),
        ({"unit": {"type": "t" * 257, "id": "u"}}, Code.UNIT),
        ({"unit": "u1"}, Code.SHAPE),
        ({"name": ""}, Code.NAME),
        ({"name": "n" * 257}, Code.NAME),
        ({"name": "a\tb"}, Code.NAME),
        ({"release": "r" * 257}, Code.NAME),
        ({"properties": []}, Code.SHAPE),
        ({"unknown": 1}, ""),
    ],
)
def test_each_field_of_an_event_is_held_to_its_limit(change: dict[str, object], code: str) -> None:
    assert code_of(written({**EVENT, **change})) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"flag": ""}, Code.NAME),
        ({"variant": "v" * 257}, Code.NAME),
        ({"detail": "d" * 257}, Code.NAME),
        ({"version": -1}, Code.NUMBER),
        ({"phase": 2**31}, Code.NUMBER),
        ({"ruleset": 2**53}, Code.NUMBER),
        ({"ruleset": 2**53 - 1}, ""),
        ({"version": True}, Code.SHAPE),
        ({"trigger": True, "enrolling": False, "detail": "d", "release": "1.2"}, ""),
    ],
)
def test_each_field_of_an_exposure_is_held_to_its_limit(change: dict[str, object], code: str) -> None:
    assert code_of(written({**EXPOSURE, **change})) == code


def test_an_event_may_have_64_kilobytes_also_in_a_large_batch() -> None:
    empty = len(json.dumps({**EVENT, "properties": {"p": ""}}).encode())
    largest = {**EVENT, "properties": {"p": "x" * (EVENT_BYTES - empty)}}
    larger = {**EVENT, "properties": {"p": "x" * (EVENT_BYTES - empty + 1)}}

    assert taken(written(largest, EVENT, largest)) == Taken(3, known=True)
    found = taken(written(EVENT, larger, largest))
    assert isinstance(found, Taken)
    assert [(one.index, one.code) for one in found.rejected] == [(1, Code.EVENT_SIZE)]


def test_a_gzipped_body_is_read_whole_and_bounded() -> None:
    body = written(EVENT)

    assert taken(gzip.compress(body), packed=True) == Taken(1, known=True)
    for wrong in (body, b"", gzip.compress(body)[:-4], gzip.compress(body) + b"x", gzip.compress(body) * 2):
        found = taken(wrong, packed=True)
        assert isinstance(found, Refused)
        assert found.code == Code.ENCODING


@pytest.mark.requirement("R19")
def test_a_gzip_bomb_is_unpacked_no_further_than_the_limit() -> None:
    bomb = gzip.compress(b" " * 200_000_000, 9)
    tracemalloc.start()

    found = taken(bomb, packed=True)

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found, Refused)
    assert (found.code, found.status) == (Code.TOO_LARGE, 413)
    assert most < 4 * BATCH_BYTES


def test_events_of_who_objected_are_answered_as_taken_and_go_no_further() -> None:
    gone = {**EVENT, "unit": {"type": "user", "id": "gone"}}
    was = {**ALIAS, "was": {"type": "user", "id": "gone"}}

    found = taken(written(EVENT, gone, {**EVENT, "id": ""}, was), unwanted=lambda unit: unit.id == "gone")

    assert isinstance(found, Taken)
    assert (found.events, found.out) == (3, (1, 2, 3))
    assert len(found.rejected) == 1


def test_every_code_is_documented_with_a_sentence() -> None:
    page = (Path(__file__).parents[2] / "docs" / "collection.md").read_text()

    assert [code for code in Code if f"| `{code}` |" not in page] == []


names = st.sampled_from(["a", "n", "x" * 256, "x" * 257, "", "a:b", 'q"', "é", "\t", "a,b{}"])
numbers = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()
)
values = st.recursive(
    numbers | names | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=4,
)
ids = st.sampled_from(["u", "null", "", "a\x00", "x" * 900, "x" * 901, "é" * 600, "😀"]) | st.text(max_size=4)
times = st.sampled_from(
    [TIME, "2026-11-22T08:00:00+01:00", "2026-11-22 08:00:00Z", "2026-11-22T08:00Z", "2026-11-22", "1", ""]
)
units = st.fixed_dictionaries({"type": names, "id": ids})
odd = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["event", "exposure", "alias", "page"]),
        "id": names | st.text(max_size=4),
        "time": times,
        "unit": units,
        "name": names,
        "value": numbers,
        "release": names,
        "properties": st.dictionaries(names, values, max_size=3),
        "attributes": st.dictionaries(names, values, max_size=3),
        "version": numbers,
        "ruleset": numbers,
        "trigger": st.booleans(),
        "enrolling": st.booleans(),
        "detail": names,
        "unknown": values,
    },
)
events = st.builds(lambda base, change: {**base, **change}, st.sampled_from([EVENT, EXPOSURE]), odd)
doubled = st.builds(
    lambda event, place: f'{json.dumps(event)[:-1]},"{place}":1}}',
    events,
    st.sampled_from(["id", "name", "new", "value"]),
)


@pytest.mark.requirement("R19")
@settings(max_examples=1_000, deadline=None, database=None, derandomize=True)
@given(
    several=st.lists(
        events.map(lambda one: json.dumps(one, ensure_ascii=False)) | doubled, min_size=1, max_size=4
    )
)
def test_the_quick_way_takes_nothing_that_the_slow_way_rejects(several: list[str]) -> None:
    body = f'{{"sent_at":"{TIME}","sdk":"t","events":[{",".join(several)}]}}'.encode(errors="surrogatepass")

    quick = fitting(body) if b"\\" not in body else 0

    if quick:
        assert intake.sifted(body) == Taken(quick)


def test_ordinary_batches_go_the_quick_way() -> None:
    ordinary = [
        EVENT,
        {**EVENT, "value": 3, "release": "1", "properties": {"a": 1, "b": "c:d", "e": None}},
        EXPOSURE,
        {**EXPOSURE, "trigger": True, "enrolling": False, "detail": "d", "attributes": {"country": "nl"}},
    ]

    assert fitting(json.dumps({"sent_at": TIME, "sdk": "t", "events": ordinary}).encode()) == 4
