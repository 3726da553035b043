"""Ids that were the unit's alone go with it, wherever their events and their links stand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from splitrun.conduct.collecting.assembled import committer_of, spool_of
from splitrun.conduct.desk import Desk
from splitrun.conduct.people.exporting import subject_export
from splitrun.conduct.people.forgetting import Forgotten, Why, forget
from splitrun.store.lake.tables import Table
from splitrun.store.spool.cipher import secret_file
from splitrun.store.spool.parcel import Letter, Origin
from tests.conduct.people.shop import (
    AT,
    alias,
    event,
    exposure,
    found,
    ids,
    project,
    put,
    send,
    stored,
    unit,
)

GONE, BEFORE, OTHER = "canary-8f3a61", "anonymous-77", "visitor-1"
DESK = Desk(now=lambda: datetime(2026, 11, 22, 9, tzinfo=UTC))


def forgotten(root: Path) -> Forgotten:
    return forget([unit(GONE)], root, Why("request 7", "ann"), desk=DESK)


def letter(root: Path, *events: object) -> None:
    body = send(events).body  # type: ignore[arg-type]
    spool_of(root).forget(0, [Letter(Origin("shop", "production", "sdk", AT), "late", "late", body, 3, 0)])


@pytest.mark.requirement("R78")
def test_what_waits_under_an_id_from_before_is_erased(tmp_path: Path) -> None:
    root = project(tmp_path)
    stored(root, send([event(1, OTHER), alias(2, BEFORE, GONE), event(3, BEFORE)]))
    put(root, send([event(4, BEFORE), event(5, OTHER)]))
    letter(root, event(6, BEFORE))

    given = subject_export(unit(GONE), root, "request 6", desk=DESK)
    one = forgotten(root).certificate

    assert (len(given["waiting"]), len(given["dead_letters"])) == (1, 1)  # type: ignore[arg-type]
    assert (one.linked, one.waiting, one.letters) == (1, 1, 1)
    assert found(root, [GONE, BEFORE]) == []
    committer_of(root).flush()
    assert ids(root) == [f"{'e' * 16}{number:016x}" for number in (1, 5)]


@pytest.mark.requirement("R78")
@pytest.mark.parametrize("stands", ["spool", "letter"])
def test_a_link_that_is_not_in_the_lake_yet_is_followed(tmp_path: Path, stands: str) -> None:
    root = project(tmp_path)
    stored(root, send([event(1, OTHER), event(3, BEFORE)]))
    if stands == "letter":
        letter(root, alias(2, BEFORE, GONE))
    else:
        put(root, send([alias(2, BEFORE, GONE), event(4, BEFORE)], packed=True))

    given = subject_export(unit(GONE), root, "request 6", desk=DESK)
    one = forgotten(root).certificate

    assert (given["linked_ids"], one.linked) == (1, 1)
    assert found(root, [GONE, BEFORE]) == []


@pytest.mark.requirement("R78")
@pytest.mark.parametrize("rotated", [0, 1])
def test_nothing_comes_back_under_an_id_that_went_with_the_unit(tmp_path: Path, rotated: int) -> None:
    root = project(tmp_path)
    stored(root, send([event(1, OTHER), alias(2, BEFORE, GONE), event(3, BEFORE)]))
    forgotten(root)
    if rotated:
        keys = root / "state" / "keys" / "pseudonym"
        secret_file(keys / "2.key")
        (keys / "2.leads").write_text("2026-11-22T00:00:00+00:00")

    late = replace(event(6, BEFORE), time="2020-01-01T00:00:00Z")
    stored(
        root, send([event(4, BEFORE), event(5, OTHER), late, alias(7, BEFORE, "new-1"), event(8, "new-1")])
    )

    assert found(root, [GONE, BEFORE]) == []
    assert spool_of(root).letters() == ()
    assert ids(root) == [f"{'e' * 16}{number:016x}" for number in (1, 5, 8)]
    assert sum(one[5] for one in spool_of(root).counts() if one[4] == "objected") == 3


def test_a_link_to_somebody_else_that_waits_keeps_an_id(tmp_path: Path) -> None:
    root = project(tmp_path)
    stored(root, send([event(1, OTHER), alias(2, BEFORE, GONE), event(3, BEFORE)]))
    put(root, send([alias(4, BEFORE, OTHER)]))

    one = forgotten(root).certificate

    assert (one.linked, one.shared) == (0, 1)
    assert len(ids(root)) == 2


@pytest.mark.requirement("R78")
def test_a_link_under_a_newer_key_leads_to_rows_under_an_older_one(tmp_path: Path) -> None:
    root = project(tmp_path)
    stored(root, send([event(1, OTHER), event(2, BEFORE), exposure(3, BEFORE), exposure(4, GONE)]))
    keys = root / "state" / "keys" / "pseudonym"
    secret_file(keys / "2.key")
    (keys / "2.leads").write_text("2026-11-22T00:00:00+00:00")
    stored(root, send([alias(5, BEFORE, GONE), exposure(6, GONE), exposure(7, BEFORE), exposure(8, OTHER)]))

    one = forgotten(root).certificate

    assert found(root, [GONE, BEFORE]) == []
    assert ids(root) == [f"{'e' * 16}{1:016x}"]
    assert ids(root, Table.EXPOSURES) == [f"{'f' * 16}{8:016x}"]
    # one unit of two ids and two keys is one unit
    assert (one.linked, [arms.units for arms in one.arms]) == (1, [{"control": 1}])


@pytest.mark.requirement("R78")
@pytest.mark.parametrize("written", ["j\\u00f6rg\\/7", "j\\u00F6rg/7", "jörg\\/7"])
def test_an_id_is_found_however_json_may_write_it(tmp_path: Path, written: str) -> None:
    root = project(tmp_path)
    body = f'{{"sent_at":"x","sdk":"y","events":[{{"id":"1","unit":"{written}"}}, 7]}}'
    for code in (body, body[:-1]):
        spool_of(root).forget(
            0, [Letter(Origin("shop", "production", "sdk", AT), "dead", "dead", code.encode(), 3, 0)]
        )

    one = forget([unit("jörg/7")], root, Why("request 7", "ann"), desk=DESK).certificate

    assert one.letters == 2
    assert spool_of(root).letters() == ()
