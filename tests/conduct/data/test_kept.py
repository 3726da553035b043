"""What is kept of what came in, how old it may grow, and the proof of it: with a real spool and lake."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from splitrun.conduct.begin import begin_project
from splitrun.conduct.collecting.assembled import committer_of, lake_of, spool_of
from splitrun.conduct.collecting.letting import emptied
from splitrun.conduct.collecting.quality import quality
from splitrun.conduct.collecting.retention import keeps, proof
from splitrun.conduct.collecting.upkeep import Schedule, turn_of
from splitrun.conduct.data.mapping import data_map
from splitrun.conduct.data.proving import proof_form, proved
from splitrun.conduct.lifecycle.applying import Wanted, apply
from splitrun.conduct.people.opting import opt_out
from splitrun.conduct.registry.place import home
from splitrun.conduct.registry.upkeep import migrate_registry
from splitrun.conduct.serving.access import make_access_key
from splitrun.conduct.serving.kills import kill
from splitrun.conduct.workspace import workspace
from splitrun.sdk.event import Event, Unit
from splitrun.spec.project import Project
from tests.conduct.collecting.sending import event, put, send

NOW = datetime.now(UTC)
CANARY = "canary.ada@example.org"
SETTINGS = """\
project: shop
privacy: {properties: declared, retention: {events: 90d, exposures: 13mo}}
properties:
  note: {holds: text, purpose: to read it, classification: personal, consumers: [shop]}
  page: {holds: url, purpose: to know where, classification: internal, consumers: [shop]}
"""


def sent(number: int, at: datetime, **properties: object) -> Event:
    return replace(event(number, time=at.isoformat()), properties=properties)


def came(root: Path, at: datetime, *events: Event) -> None:
    one = committer_of(root)
    put(one, send(events, at=round(at.timestamp() * 1e9), sent_at=at.isoformat()))
    one.flush()
    one.close()


def settings(root: Path) -> Project:
    found = workspace(root, ("splitrun.yaml",)).says.project
    assert found is not None
    return found


def files(root: Path) -> bytes:
    """All bytes under the lake, Parquet unpacked."""
    parts = [path.read_bytes() for path in (root / "state" / "lake").rglob("*.json")]
    tables = [pq.read_table(path, partitioning=None) for path in (root / "state" / "lake").rglob("*.parquet")]
    return b"".join([*parts, *(str(one.to_pylist()).encode() for one in tables)])


@pytest.mark.requirement("R75")
def test_what_names_people_never_reaches_the_lake_and_is_told_as_data_quality(tmp_path: Path) -> None:
    (tmp_path / "splitrun.yaml").write_text(SETTINGS)

    came(
        tmp_path,
        NOW,
        sent(1, NOW, note=f"ask {CANARY}", page=f"https://shop.example/a?mail={CANARY}", secret=CANARY),
        sent(2, NOW, note="fine", **{CANARY: 1}),
    )

    told = quality(tmp_path)
    assert told is not None
    counts = {reason: events for *_, reason, events in told.counts}
    assert counts == {
        "accepted": 2,
        "undeclared: property": 2,
        "masked: e-mail in property note": 1,
        "stripped: property page": 1,
    }
    warnings = {one.kind: (one.example, one.remedy) for one in told.warnings}
    assert set(warnings) == {"undeclared: property", "masked: e-mail in property note"}
    assert "declare it in splitrun.yaml" in warnings["undeclared: property"][1]
    assert CANARY not in str(told)
    assert CANARY.encode() not in files(tmp_path)
    assert b"ask (e-mail)" in files(tmp_path)
    assert b"https://shop.example/a'" in files(tmp_path)


def test_a_column_that_is_not_declared_any_more_shows_as_a_field_without_a_policy(tmp_path: Path) -> None:
    (tmp_path / "splitrun.yaml").write_text(SETTINGS)
    came(tmp_path, NOW, sent(1, NOW, note="fine"))
    (tmp_path / "splitrun.yaml").write_text(SETTINGS[: SETTINGS.index("properties:\n")])

    gaps = [(one.store, one.field) for one in data_map(tmp_path).gaps]

    assert gaps == [("lake/events", "p_note"), ("lake/events", "p_page")]


@pytest.mark.requirement("R78")
def test_the_proof_finds_what_is_too_old_and_is_content_once_it_went(tmp_path: Path) -> None:
    (tmp_path / "splitrun.yaml").write_text(SETTINGS)
    make_access_key("first", ("sdk",), tmp_path)  # so that there is a registry
    old = NOW - timedelta(days=95)
    came(tmp_path, old, sent(1, old), sent(2, old))
    came(tmp_path, NOW, sent(3, NOW))
    spare = tmp_path / "spare"
    (day,) = (tmp_path / "state/lake/shop/production/events").glob(f"date={old.date().isoformat()}")
    shutil.copytree(day, spare)

    before = proved(tmp_path)
    project = settings(tmp_path)
    turn_of(
        lake_of(tmp_path),
        tmp_path / "state",
        Schedule(keeps=keeps(project), hours=0),
        proof(tmp_path, project),
    )()
    after = proved(tmp_path)
    day.mkdir(exist_ok=True)
    for file in spare.iterdir():
        shutil.copy(file, day / file.name)
    stray = proved(tmp_path)

    assert [(one.store, one.rows, one.older) for one in before.kept if not one.fine] == [
        ("lake/events", 3, 3)
    ]
    assert after.fine
    assert after.drops == 1
    (events,) = [one for one in after.kept if one.store == "lake/events"]
    assert (events.rows, events.limit, events.older) == (1, "90 days", 0)
    assert events.oldest is not None
    assert events.oldest[:10] == NOW.date().isoformat()
    # a file that no version of the table names is found on disk all the same
    assert [one.older for one in stray.kept if not one.fine] == [1]
    assert json.loads(json.dumps(proof_form(stray)))["fine"] is False


@pytest.mark.requirement("R78")
def test_dead_letters_go_after_their_time_and_the_chain_says_so(tmp_path: Path) -> None:
    (tmp_path / "splitrun.yaml").write_text("project: shop\n")
    make_access_key("first", ("sdk",), tmp_path)
    long_ago, lately = NOW - timedelta(days=15), NOW - timedelta(days=13)
    for number, at in enumerate((long_ago, lately)):
        came(tmp_path, at, sent(number, at - timedelta(days=40)))  # late: dead letters
    spool = spool_of(tmp_path)
    found = proved(tmp_path)

    wrong = emptied(tmp_path, spool, settings(tmp_path))

    assert [one.store for one in found.kept if not one.fine] == ["spool/letters"]
    assert wrong == []
    assert len(spool.letters()) == 1
    assert proved(tmp_path).fine
    with home(tmp_path).registry() as registry:
        (entry,) = [one for one in registry.entries(project="shop") if one.verb == "drop"]
    assert (entry.subject, entry.reason) == ("spool/letters", "privacy.retention: dead_letters 14d")
    assert json.loads(entry.content)["rows"] == 1


@pytest.mark.requirement("R78")
def test_batches_that_never_went_into_the_lake_go_without_a_gap_between_the_rest(tmp_path: Path) -> None:
    (tmp_path / "splitrun.yaml").write_text("project: shop\nprivacy: {retention: {spool: 10d}}\n")
    one = committer_of(tmp_path)
    days = (12, 1, 11)  # the clock went back between the second and the third
    for number, ago in enumerate(days):
        at = NOW - timedelta(days=ago)
        put(one, send([sent(number, at)], at=round(at.timestamp() * 1e9), sent_at=at.isoformat()))

    wrong = emptied(tmp_path, one.spool, settings(tmp_path))

    assert wrong == []
    assert [parcel.number for parcel in one.spool.pending()] == [2, 3]
    assert not proved(tmp_path).fine  # the third is too old, and stays until what stands before it went


STORES = {
    "access.json": "access/keys",
    "head.json": "registry/head",
    "kills.json": "kills/flags",
    "people/marks": "people/list",
    "registry.db": "registry/documents",
    "spool.db": "spool/parcels",
    "lake/shop/*/*/_delta_log/*": "lake/log",
    "lake/shop/*/*/_commits.sha256": "lake/log",
    "lake/shop/*/events/date=*/*.parquet": "lake/events",
    "seen/*.seen": "seen/window",
    "keys/*": "keys/files",
    "keys/pseudonym/*": "keys/files",
}
"""Files of the state folder, and where the map has them. Locks are empty."""


@pytest.mark.requirement("R80")
def test_no_file_of_an_installation_is_missing_in_the_data_map(tmp_path: Path) -> None:
    begin_project(tmp_path)
    (tmp_path / "splitrun.yaml").write_text(SETTINGS)
    (tmp_path / "flags").mkdir(exist_ok=True)
    (tmp_path / "flags" / "flags.yaml").write_text(
        "flags:\n  new: {type: boolean, variants: {a: false, b: true}, default: a}\n"
    )
    migrate_registry(tmp_path)
    apply(tmp_path, lambda _: None, lambda: True, Wanted(reason="r", actor="ann"))
    make_access_key("web", ["ingest"], tmp_path, actor="ann")
    kill("new", tmp_path, "it fails", actor="ann")
    came(tmp_path, NOW, sent(1, NOW, note="x"))
    opt_out([Unit("user", "u-1")], tmp_path)

    known = {one.store for one in data_map(tmp_path).fields}
    state = tmp_path / "state"
    files = [one.relative_to(state) for one in state.rglob("*") if one.is_file() and one.stat().st_size]

    assert {one.as_posix() for one in files} >= {"kills.json", "people/marks", "access.json", "spool.db"}
    for one in files:
        stores = [store for pattern, store in STORES.items() if one.match(pattern)]
        assert stores, f"nobody says what {one} is kept for"
        assert set(stores) <= known
