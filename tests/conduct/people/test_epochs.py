"""Epochs of pseudonyms: rotation changes no number, a key that is needed stays, one that is not is gone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deltalake import DeltaTable
from pyarrow import parquet

from splitrun.conduct.analyze import analyze
from splitrun.conduct.collecting.assembled import committer_of
from splitrun.conduct.desk import Desk
from splitrun.conduct.people.epochs import destroy_pseudonyms, pseudonym_epochs, rotate_pseudonyms
from splitrun.conduct.people.opting import opt_out
from splitrun.conduct.registry.place import home
from splitrun.errors import DataError, RefusedError, SpecError, StoreError
from splitrun.report.notebook import Shown
from splitrun.sdk.event import Alias, Event, Exposure, Unit
from splitrun.store.chain.entry import Remark
from splitrun.store.lake.pseudonyms import KEYS, Keyring, Pseudonyms, epochs, epochs_of
from splitrun.store.registry.change import Change, Move
from splitrun.store.registry.documents import State
from tests.conduct.collecting.sending import put, send
from tests.conduct.reading.checkouts import AFTER, FIRST, project
from tests.conduct.reading.test_lake import FROM_LAKE

DESK = Desk(now=lambda: AFTER)
KEY = bytes(range(32))
WHOLE = range(400)
FORM = "%Y-%m-%dT%H:%M:%S.%fZ"

Sent = Exposure | Event | Alias


def world(folder: Path, more: str = "") -> Path:
    """A project whose first key is known, so that two worlds can be held against each other."""
    file = project(folder, FROM_LAKE + more)
    keys = folder / "state" / "keys" / "pseudonym"
    keys.mkdir(parents=True)
    (keys / "1.key").write_bytes(KEY)
    return file


def history(numbers: Sequence[int]) -> list[tuple[datetime, Sent]]:
    """What so many units sent, in the order of time: two ids for each fifth, and orders of some."""
    rng = np.random.default_rng(7)
    draws = rng.random((max(WHOLE) + 1, 2))
    found: list[tuple[datetime, Sent]] = []
    for n in numbers:
        at, unit = FIRST + timedelta(minutes=50 * n), Unit("user", f"u{n}")
        met = Exposure(
            f"x{n}", at.strftime(FORM), unit, "checkout", "checkout", 1, 1,
            ("control", "one-page")[n % 2], 1, "SPLIT", attributes={"country": "DE" if n % 3 else "AT"},
        )  # fmt: skip
        found.append((at, met))
        if n % 5 == 0:
            found.append((at, Alias(f"a{n}", at.strftime(FORM), Unit("user", f"v{n}"), unit)))
        if draws[n, 0] < (0.4, 0.6)[n % 2]:
            then, buyer = at + timedelta(hours=3), Unit("user", f"{'v' if n % 5 == 0 else 'u'}{n}")
            amount: dict[str, object] = {"amount": round(float(draws[n, 1] * 50), 2)}
            found.append((then, Event(f"o{n}", then.strftime(FORM), buyer, "order", properties=amount)))
    return sorted(found, key=lambda one: one[0])


def ingest(root: Path, sent: Sequence[tuple[datetime, Sent]], now: datetime | None = None) -> None:
    """Take events in as the server does, in batches, and bring them into the lake."""
    one = committer_of(root)
    if now is not None:
        one.quarters.epochs = Keyring(root / "state" / "keys" / "pseudonym", lambda: now).current
    for first in range(0, len(sent), 50):
        part = sent[first : first + 50]
        at = part[-1][0]
        put(one, send([each for _, each in part], at=round(at.timestamp() * 1e9), sent_at=at.strftime(FORM)))
        one.flush()
    one.close()


def read(file: Path) -> Shown:
    return analyze(file, as_of=AFTER, desk=DESK)


def values(shown: Shown) -> dict[str, Any]:
    """All of a readout but what names files, moments and digests of this one reading."""
    found: dict[str, Any] = json.loads(shown.to_json())
    return {name: part for name, part in found.items() if name not in {"lineage", "made_at"}}


def rows(root: Path, table: str) -> list[dict[str, Any]]:
    delta = DeltaTable(str(root / "state" / "lake" / "shop" / "production" / table))
    return [row for file in delta.file_uris() for row in parquet.read_table(file).to_pylist()]


def rotated(root: Path, lead: int = 0) -> None:
    rotate_pseudonyms(root, "a year is over", lead=lead, actor="ann", desk=DESK)


@pytest.mark.requirement("R75")
@pytest.mark.parametrize("identity", ["", "identity: first_seen\n"])
def test_rotation_while_an_experiment_runs_changes_no_value(tmp_path: Path, identity: str) -> None:
    still, turned = world(tmp_path / "still", identity), world(tmp_path / "turned", identity)
    sent = history(WHOLE)
    half = len(sent) // 2

    ingest(tmp_path / "still", sent[:half])
    ingest(tmp_path / "still", sent[half:])
    ingest(tmp_path / "turned", sent[:half])
    rotated(tmp_path / "turned")
    ingest(tmp_path / "turned", sent[half:], now=AFTER)

    assert {row["epoch"] for row in rows(tmp_path / "still", "exposures")} == {1}
    assert {row["epoch"] for row in rows(tmp_path / "turned", "exposures")} == {1, 2}
    assert values(read(turned)) == values(read(still))
    assert "pseudonyms of epoch 1" in read(turned).to_json()


@pytest.mark.requirement("R75", "R79")
@pytest.mark.parametrize("identity", ["", "identity: first_seen\n"])
def test_who_opted_out_is_counted_as_if_no_key_had_been_rotated(tmp_path: Path, identity: str) -> None:
    still, turned = world(tmp_path / "still", identity), world(tmp_path / "turned", identity)
    sent = history(WHOLE)
    half = len(sent) // 2
    leave = [Unit("user", f"u{n}") for n in (*range(0, 20, 2), *range(301, 330, 3), 350, 360)]

    for root in (tmp_path / "still", tmp_path / "turned"):
        ingest(root, sent[:half])
        if root.name == "turned":
            rotated(root)
        ingest(root, sent[half:], now=AFTER)
        opt_out(leave, root, desk=DESK)

    assert {row["epoch"] for row in rows(tmp_path / "turned", "exposures")} == {1, 2}
    assert values(read(turned)) == values(read(still))
    assert f"{len(leave)} units opted out" in read(turned).to_json()


def test_each_event_stands_in_one_row_with_a_pseudonym_of_each_epoch(tmp_path: Path) -> None:
    world(tmp_path)
    rotated(tmp_path)
    sent = history([0, 1])

    ingest(tmp_path, sent, now=AFTER)

    found = rows(tmp_path, "exposures")
    second = Pseudonyms(2, epochs_of(tmp_path / "state" / "keys" / "pseudonym")[2])
    first = Pseudonyms(1, KEY)
    assert [row["epoch"] for row in found] == [2, 2]
    for row in found:
        unit = row["event_id"].replace("x", "u")
        assert row["unit_key"] == second.key_of("user", unit)
        assert row["unit_key_1"] == first.key_of("user", unit)
    (alias,) = rows(tmp_path, "aliases")
    assert (alias["was_key"], alias["was_key_1"]) == (second.key_of("user", "u0"), first.key_of("user", "u0"))


def test_an_event_sent_again_after_a_rotation_is_kept_once_and_is_no_conflict(tmp_path: Path) -> None:
    world(tmp_path)
    sent = history([0, 1])
    ingest(tmp_path, sent)
    rotated(tmp_path)

    ingest(tmp_path, sent, now=AFTER)

    counts = {reason: events for *_, reason, events in committer_of(tmp_path).spool.counts()}
    assert counts["duplicate"] == len(sent)
    assert "conflict" not in counts
    assert len(rows(tmp_path, "exposures")) == 2


def test_what_begins_after_a_key_led_has_a_history_under_it(tmp_path: Path) -> None:
    world(tmp_path)
    rotated(tmp_path, lead=28)
    made = AFTER + timedelta(days=28)

    ingest(tmp_path, history([0, 1]), now=made - timedelta(seconds=1))
    ingest(tmp_path, history([2, 3]), now=made)

    before, after = sorted(rows(tmp_path, "exposures"), key=lambda row: row["time"])[::2]
    assert (before["epoch"], after["epoch"]) == (1, 2)
    assert before["unit_key_2"] is not None
    assert after["unit_key_1"] is not None


def test_the_chain_tells_of_the_new_epoch_and_nothing_of_its_key(tmp_path: Path) -> None:
    world(tmp_path)

    rotated(tmp_path, lead=7)

    key = epochs_of(tmp_path / "state" / "keys" / "pseudonym")[2]
    with home(tmp_path).registry() as registry:
        (entry,) = [one for one in registry.entries() if one.verb == "rotate-pseudonyms"]
    assert (entry.subject, entry.reason, entry.actor) == ("pseudonyms/2", "a year is over", "ann")
    assert json.loads(entry.content) == {"epoch": 2, "leads": "2026-11-27T12:00:00+00:00"}
    assert key.hex() not in entry.line()
    assert (tmp_path / "state" / "keys" / "pseudonym" / "2.key").stat().st_mode & 0o077 == 0
    first, second = pseudonym_epochs(tmp_path, DESK)
    assert (first.leading, second.leading, second.leads) == (True, False, "2026-11-27T12:00:00+00:00")


def running(root: Path, state: State = State.RUNNING) -> None:
    """Say in the registry that the experiment is in a state."""
    with home(root).registry(make=FIRST) as registry:
        before = registry.state("shop", "production", "checkout")
        move = Move("shop", "production", "checkout", before, state, started=FIRST)
        said = Remark("start", "experiment/checkout", "it is time", "shop", "production")
        registry.commit(Change(FIRST, "ann", (said,), moves=(move,)))


@pytest.mark.requirement("R75")
def test_a_key_that_an_experiment_needs_is_not_destroyed(tmp_path: Path) -> None:
    world(tmp_path)
    running(tmp_path)
    ingest(tmp_path, history([0, 1]))
    rotated(tmp_path)

    with pytest.raises(RefusedError, match="epoch 1 is needed by production/checkout"):
        destroy_pseudonyms(1, tmp_path, "no longer", desk=DESK)
    with pytest.raises(RefusedError, match="epoch 2 leads"):
        destroy_pseudonyms(2, tmp_path, "no longer", desk=DESK)
    with pytest.raises(SpecError, match="there is no epoch 7"):
        destroy_pseudonyms(7, tmp_path, "no longer", desk=DESK)

    assert set(epochs_of(tmp_path / "state" / "keys" / "pseudonym")) == {1, 2}
    assert pseudonym_epochs(tmp_path, DESK)[0].needed == ("production/checkout",)


@pytest.mark.requirement("R75")
def test_after_a_key_is_destroyed_nothing_tells_whose_rows_those_of_its_epoch_are(tmp_path: Path) -> None:
    file = world(tmp_path)
    running(tmp_path)
    ingest(tmp_path, history(range(10)))
    rotated(tmp_path)
    ingest(tmp_path, history(range(10, 20)), now=AFTER)
    running(tmp_path, State.DECIDED)
    pseudonyms = [Pseudonyms(1, KEY).key_of("user", f"u{n}") for n in range(10, 20)]

    done = destroy_pseudonyms(1, tmp_path, "the year is over", actor="ann", desk=DESK)
    again = destroy_pseudonyms(1, tmp_path, "the year is over", actor="ann", desk=DESK)

    assert done.rows["production/exposures"] == 10
    assert sum(again.rows.values()) == 0
    assert not (tmp_path / "state" / "keys" / "pseudonym" / "1.key").exists()
    # the bond of the epochs is in no file of the lake any more, named by its log or not
    for path in (tmp_path / "state" / "lake").rglob("*.parquet"):
        found = parquet.read_table(path, partitioning=None)
        assert "unit_key_1" not in found.column_names
        if set(found["epoch"].to_pylist()) == {2}:
            assert not set(pseudonyms) & set(found["unit_key"].to_pylist())
    with home(tmp_path).registry() as registry:
        assert [one.verb for one in registry.entries()].count("destroy-pseudonyms") == 1
    with pytest.raises(DataError, match=r"began under epoch 1 .* its key was destroyed"):
        read(file)
    rotated(tmp_path)
    assert set(epochs_of(tmp_path / "state" / "keys" / "pseudonym")) == {2, 3}


def test_a_committer_that_runs_keeps_its_keys(tmp_path: Path) -> None:
    world(tmp_path)
    rotated(tmp_path)

    with committer_of(tmp_path).owned(), pytest.raises(RefusedError, match="holds the key in memory"):
        destroy_pseudonyms(1, tmp_path, "no longer", desk=DESK)

    assert set(epochs_of(tmp_path / "state" / "keys" / "pseudonym")) == {1, 2}


def test_keys_of_the_environment_are_announced_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world(tmp_path)
    first, second = "A" * 43 + "=", "B" * 42 + "A="
    monkeypatch.setenv(KEYS, f"1:{first}")
    with pytest.raises(RefusedError, match=r"2@2026-12-18:BASE64"):
        rotated(tmp_path, lead=28)

    monkeypatch.setenv(KEYS, f"2@2026-12-18:{second},1:{first}")
    rotated(tmp_path)

    found = epochs(tmp_path / "nowhere")
    assert [(each.number, each.leads) for each in found] == [
        (1, None),
        (2, datetime(2026, 12, 18, tzinfo=UTC)),
    ]
    assert second not in repr(found)
    with home(tmp_path).registry() as registry:
        assert [each.subject for each in registry.entries() if each.verb == "rotate-pseudonyms"] == [
            "pseudonyms/2"
        ]
    monkeypatch.setenv(KEYS, f"1:{first},2:{second}")
    with pytest.raises(RefusedError, match=f"the key of epoch 1 is in {KEYS}"):
        destroy_pseudonyms(1, tmp_path, "no longer", desk=DESK)
    for wrong in (f"1:{first},1:{second}", f"1@soon:{first}", "1:short"):
        monkeypatch.setenv(KEYS, wrong)
        with pytest.raises(StoreError) as told:
            epochs(tmp_path)
        assert first not in str(told.value)


def test_days_that_are_none_and_notes_that_are_torn_are_told(tmp_path: Path) -> None:
    world(tmp_path)
    with pytest.raises(SpecError, match="-1 is no number of days"):
        rotated(tmp_path, lead=-1)
    rotated(tmp_path)
    (tmp_path / "state" / "keys" / "pseudonym" / "2.leads").write_text("some day")

    with pytest.raises(StoreError, match="does not say from when on its epoch leads"):
        pseudonym_epochs(tmp_path)
