"""Rows are held against the entries that wrote them whenever they are read, not by `audit verify` alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest

from splitrun.errors import StoreError
from splitrun.store.canonical import sha
from splitrun.store.registry.databases.sql import SqlRegistry
from splitrun.store.registry.documents import Kind
from tests.store import tampers
from tests.store.places import Place, fill

READ: dict[str, Callable[[SqlRegistry], object]] = {
    "plans": lambda registry: registry.plans("shop", "m3"),
    "lives": lambda registry: registry.state("shop", "production", "m3"),
    "documents": lambda registry: registry.documents("shop", Kind.METRIC),
}


@pytest.mark.requirement("R12", "R77")
@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("plans", "body", '{"alpha":0.06}'),
        ("plans", "facts", '{"late":null}'),
        ("plans", "at", "2020-01-01T00:00:00.000000Z"),
        ("lives", "state", "stopped"),
        ("documents", "body", '{"kind":"mean"}'),
    ],
)
def test_a_row_that_was_edited_is_not_believed(place: Place, table: str, column: str, value: str) -> None:
    with closing(place.registry()) as registry:
        fill(registry, 3)
        assert READ[table](registry)
    log = tampers.read(place.database(), place.sealing().witness.read())
    row = log.rows[table][-1]
    assert row[column] != value
    row[column] = value

    tampers.write(place.database(), log)

    with (
        closing(place.registry()) as registry,
        pytest.raises(StoreError, match=f"a row of {table} is not what"),
    ):
        READ[table](registry)


def test_who_edits_the_entry_too_has_no_key_to_sign_it(place: Place) -> None:
    with closing(place.registry()) as registry:
        fill(registry, 3)
    log = tampers.read(place.database(), place.sealing().witness.read())
    last = log.rows["entries"][-1]
    last["content"] = str(last["content"]).replace("sha256:", "sha256:0", 1)
    last["hash"] = sha(tampers.entry(last).body().encode())

    tampers.write(place.database(), log)

    with closing(place.registry()) as registry, pytest.raises(StoreError, match="is not what"):
        registry.plans("shop", "m3")
