from __future__ import annotations

import json

import pytest
from msgspec import Raw

from splitrun.collect.accepted import Batch, Did
from splitrun.collect.privacy.sieve import Rule, Sieve, sieved
from splitrun.sdk.event import Exposure, Unit

UNIT = Unit("user", "u1")
TIME = "2026-11-22T08:00:00Z"


def did(written: bytes) -> Did:
    return Did("e1", TIME, UNIT, "order", properties=Raw(written))


def exposed(**attributes: object) -> Exposure:
    return Exposure("x1", TIME, UNIT, "f", "e", 1, 1, "control", 1, "split", attributes=attributes)


def batch(*events: Did | Exposure) -> Batch:
    return Batch(TIME, "sdk/1", list(events), list(range(len(events))), 0)


def kept(sieve: Sieve, one: Did | Exposure) -> tuple[dict[str, object], dict[str, int]]:
    found, counts = sieved(batch(one), sieve)
    event = found.events[0]
    match event:
        case Did(properties=raw):
            return json.loads(bytes(raw)), dict(counts)
        case Exposure(attributes=held):
            return held, dict(counts)
        case _:
            raise AssertionError


DECLARED = Sieve({"amount": Rule(), "page": Rule(url=True)}, {"country": Rule()}, every=False)


@pytest.mark.requirement("R75")
def test_undeclared_fields_are_dropped_and_counted_without_their_names() -> None:
    properties = kept(DECLARED, did(b'{"amount": 5, "ada@example.org": 1, "note": "x"}'))
    attributes = kept(DECLARED, exposed(country="DE", birthday="1815-12-10"))

    assert properties == ({"amount": 5}, {"undeclared: property": 1})
    assert attributes == ({"country": "DE"}, {"undeclared: attribute": 1})


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://ada:pw@shop.example.org/a/b?email=ada@example.org#top", "https://shop.example.org/a/b"),
        ("/a/b?token=1", "/a/b"),
        ("//cdn.example.org/x", "//cdn.example.org/x"),
        ("https://shop.example.org", "https://shop.example.org"),
    ],
)
def test_urls_lose_what_may_name_somebody(url: str, bare: str) -> None:
    found, counts = kept(DECLARED, did(json.dumps({"page": url}).encode()))

    assert found == {"page": bare}
    assert counts == ({} if url == bare else {"stripped: property page": 1})


@pytest.mark.parametrize(
    ("texts", "left", "why"),
    [
        ("mask", {"note": "ask (e-mail)"}, {"masked: e-mail in property note": 1}),
        ("drop", {}, {"dropped: e-mail in property note": 1}),
        ("keep", {"note": "ask ada@example.org"}, {}),
    ],
)
def test_each_field_says_what_becomes_of_addresses_in_it(
    texts: str, left: dict[str, object], why: dict[str, int]
) -> None:
    sieve = Sieve({"note": Rule(texts)}, {}, every=False)

    assert kept(sieve, did(b'{"note": "ask ada@example.org"}')) == (left, why)


def test_what_lies_deep_is_found_and_a_name_that_names_somebody_goes() -> None:
    written = b'{"a": {"b": ["+49 170 1234567", 7], "ada@example.org": 1}, "ada\\u0040example.org": 2}'

    found, counts = kept(Sieve(), did(written))

    assert found == {"a": {"b": ["(phone)", 7]}}
    assert counts == {
        "masked: phone in an undeclared property": 1,
        "dropped: e-mail in the name of an undeclared property": 1,
    }


def test_nothing_is_written_anew_where_nothing_is_taken_out() -> None:
    whole = batch(did(b'{ "b": 1.0, "a": 2, "n": 1795334400 }'), did(b"{}"), exposed(country="DE"))

    found, counts = sieved(whole, Sieve())
    blind, none = sieved(batch(did(b'{"a":"ada@example.org"}')), Sieve(rest=Rule("keep")))

    assert found is whole
    assert not counts
    assert not none
    assert b"ada@" in bytes(blind.events[0].properties)  # type: ignore[union-attr]  # it is an event, made above
