from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from splitrun.errors import StoreError
from splitrun.store.canonical import Json, as_moment, as_text, canonical, digest, flat, value_of
from splitrun.store.registry.memory import InMemory
from splitrun.store.registry.rows import Cell, columns, document, life, ruleset
from tests.store.places import change

FLAT = some.none() | some.booleans() | some.integers(-(2**53) + 1, 2**53 - 1) | some.text()
NAMES = some.text("abcdefgh_", min_size=1)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(some.dictionaries(NAMES, FLAT))
def test_the_quick_writer_writes_what_rfc_8785_asks_for(value: dict[str, bool | int | str | None]) -> None:
    assert flat(value).encode() == rfc8785.dumps(value)


def test_an_entry_is_one_line_of_canonical_json() -> None:
    registry = InMemory()
    registry.commit(change(1))

    for entry in registry.entries():
        assert entry.line().encode() == rfc8785.dumps(json.loads(entry.line()))


@pytest.mark.parametrize("value", [2**60, float("nan"), "\ud800", {"a": [float("inf")]}])
def test_what_json_cannot_carry_is_refused(value: Json) -> None:
    with pytest.raises(StoreError, match="has no canonical JSON"):
        canonical(value)


def test_moments_are_kept_to_the_microsecond_in_utc() -> None:
    noon = datetime(26, 1, 2, 12, 0, 0, 7, tzinfo=timezone(timedelta(hours=2)))

    assert as_text(noon) == "0026-01-02T10:00:00.000007Z"
    assert as_moment(as_text(noon)) == noon
    assert as_moment("2026-01-02T10:00:00.000007Z").tzinfo is UTC


def test_what_was_never_written_is_told_when_it_is_read() -> None:
    with pytest.raises(StoreError, match="is no JSON"):
        value_of("{")
    with pytest.raises(StoreError, match="is no moment"):
        as_moment("yesterday")
    with pytest.raises(StoreError, match="is no Unicode text"):
        digest("\udc00")
    registry = InMemory()
    receipt = registry.commit(change(1))
    kept = registry.ruleset("shop", "m1")
    assert kept is not None
    wrong: tuple[tuple[str, Cell], ...] = (("kind", "shoe"), ("revision", "1"), ("body", 7))
    for name, value in wrong:
        with pytest.raises(StoreError, match=rf"the column '{name}' holds"):
            document(columns(receipt.documents[0]) | {name: value})
    with pytest.raises(StoreError, match="the column 'state' holds"):
        life(columns(receipt.lives[0]) | {"state": "asleep"})
    with pytest.raises(StoreError, match="the column 'document' holds"):
        ruleset(columns(kept) | {"document": "text"})
