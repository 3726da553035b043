from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from splitrun.errors import SpecError
from splitrun.spec.written.body import body, value_of
from splitrun.spec.written.document import Document, Site, Value
from splitrun.spec.written.text import document

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda one: not 2**53 <= abs(one) < 1e21),
    TEXT,
)
KEYS = st.one_of(TEXT, st.just("="), st.integers(-9, 9), st.booleans())
VALUES: st.SearchStrategy[Value] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4).map(tuple), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)


def written(value: Value) -> str:
    return body(Site(Document("a.yaml", value), ()))


def told(text: str) -> Value:
    return document(text, "a.yaml").value


@given(VALUES)
def test_what_was_written_is_read_back(value: Value) -> None:
    assert value_of(written(value)) == value


@given(VALUES)
def test_a_body_is_canonical_json(value: Value) -> None:
    text = written(value)

    # RFC 8785 of what Python's own reader finds in it
    assert rfc8785.dumps(json.loads(text)).decode() == text


def test_order_and_formatting_leave_no_trace() -> None:
    block = "b: [1, 2]\na:\n  d: 'x'\n  c: 5.0e-1\n"
    flow = '{a: {c: 0.5, d: "x"}, b: [1, 2]}  # the same'

    assert written(told(block)) == written(told(flow)) == '{"a":{"c":0.5,"d":"x"},"b":[1,2]}'


def test_keys_that_are_no_text_stay_what_they_are() -> None:
    assert written(told("{1: a, 0: b}")) == '{"=":[[0,"b"],[1,"a"]]}'
    assert written(told('{"1": a, "0": b}')) == '{"0":"b","1":"a"}'
    assert value_of('{"=":[[0,"b"],[true,"a"]]}') == {0: "b", True: "a"}


def test_an_order_that_says_something_is_kept_where_it_is_not_that_of_json() -> None:
    site = Site(Document("a.yaml", {"variants": {"control": 1, "b": 2}, "x": {"b": 1, "a": 2}}), ())

    text = body(site, [("variants",)])

    assert text == '{"variants":{"=":[["control",1],["b",2]]},"x":{"a":2,"b":1}}'
    assert repr(value_of(text)) == "{'variants': {'control': 1, 'b': 2}, 'x': {'a': 2, 'b': 1}}"


def test_numbers_that_json_does_not_carry_are_told_with_their_places() -> None:
    site = Site(document("a: [1, 9007199254740993, 1e20]\n9007199254740992: b\n", "a.yaml"), ())

    with pytest.raises(SpecError) as refused:
        body(site)

    assert [str(one.place) for one in refused.value.mistakes] == ["a.yaml:1:8", "a.yaml:1:26", "a.yaml:2:19"]
    assert "2^53" in str(refused.value)


@pytest.mark.parametrize("text", ["{", '{"=":[[{},1]]}', '{"=":3}'])
def test_what_is_no_body_is_told(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        value_of(text)
