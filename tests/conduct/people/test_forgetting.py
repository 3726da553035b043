from __future__ import annotations

import atexit
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import mkdtemp
from threading import Event as Flag
from threading import Thread

import pyarrow.parquet as pq
import pytest

from splitrun.conduct.collecting.assembled import committer_of, lake_of, spool_of
from splitrun.conduct.collecting.replay import replayed
from splitrun.conduct.collecting.upkeep import Schedule, upkeep
from splitrun.conduct.desk import Desk
from splitrun.conduct.people.exporting import subject_export
from splitrun.conduct.people.forgetting import Forgotten, Why, forget, forgotten_form
from splitrun.conduct.people.opting import opt_out
from splitrun.conduct.people.place import keys_of, listed, meant
from splitrun.conduct.registry.log import verify_log
from splitrun.conduct.registry.place import URL, home
from splitrun.errors import RefusedError, SpecError, StoreError
from splitrun.store.chain.entry import Entry
from splitrun.store.lake.digests import faults
from splitrun.store.lake.pseudonyms import epochs_of
from splitrun.store.lake.tables import Table
from splitrun.store.lock import alone
from splitrun.store.people.place import journal_at, marks_at
from splitrun.store.spool.cipher import secret_file
from splitrun.store.spool.parcel import Letter, Origin
from tests.conduct.people.shop import (
    AT,
    alias,
    event,
    exposure,
    found,
    ids,
    lake,
    project,
    put,
    rows,
    send,
    stored,
    unit,
)

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
DESK = Desk(now=lambda: NOW)
GONE = "canary-8f3a61"
OTHERS = [f"visitor-{number}" for number in range(40)]


@cache
def template(more: str) -> Path:
    root = project(Path(mkdtemp()), more)
    atexit.register(rmtree, root)
    for turn in range(3):
        first = turn * 1000
        stored(
            root,
            send([event(first + n, one) for n, one in enumerate(OTHERS)]),
            send([event(first + 500, GONE, note="mine"), exposure(first, GONE, "treatment")], packed=True),
            send([exposure(first + 10 + n, one) for n, one in enumerate(OTHERS)]),
            send([event(first + 600, GONE), event(first + 601, OTHERS[0])], environment="staging"),
        )
    stored(root, send([alias(1, "anonymous-77", GONE), alias(2, "anonymous-78", OTHERS[1])]))
    stored(root, send([event(700, "anonymous-77"), event(701, "anonymous-78")]))
    return root


def filled(root: Path, more: str = "") -> Path:
    """A lake in which the canary has rows everywhere, among those of others, in several files."""
    copytree(template(more), root, dirs_exist_ok=True)
    return root


def forgotten(root: Path, *names: str, desk: Desk = DESK) -> Forgotten:
    return forget([unit(one) for one in names or (GONE,)], root, Why("request 7", "ann"), desk=desk)


def certificates(root: Path) -> list[Entry]:
    with home(root).registry() as registry:
        return [one for one in registry.entries() if one.verb == "forget"]


@pytest.mark.requirement("R78")
def test_after_forget_no_file_holds_the_id_nor_the_pseudonym(tmp_path: Path) -> None:
    root = filled(tmp_path)
    letter = Letter(
        Origin("shop", "production", "sdk", AT), "late", "too late", send([event(9, GONE)]).body, 3, 0
    )
    spool_of(root).forget(0, [letter])
    put(root, send([event(800, GONE), event(801, OTHERS[2])]), send([event(802, GONE)], packed=True))
    before = found(root, [GONE, "anonymous-77"])

    done = forgotten(root)

    assert any("lake" in one for one in before)
    assert any("parcel" in one for one in before)
    assert any("letter" in one for one in before)
    assert found(root, [GONE, "anonymous-77"]) == []
    # who was linked to somebody else stays, and so do all others
    assert found(root, ["anonymous-78"]) != []
    assert len(ids(root)) == 3 * len(OTHERS) + 1
    assert len(ids(root, Table.EXPOSURES)) == 3 * len(OTHERS)
    assert len(ids(root, Table.EVENTS, "staging")) == 3
    one = done.certificate
    assert (one.units, one.linked, one.shared, one.waiting, one.letters) == (1, 1, 0, 2, 1)
    # by hand: three turns of one event and one exposure, one of staging, and what the linked id did
    assert {(each.environment, each.table): each.rows for each in one.tables if each.rows} == {
        ("production", "aliases"): 1,
        ("production", "events"): 4,
        ("production", "exposures"): 3,
        ("staging", "events"): 3,
    }
    (arms,) = one.arms
    assert (arms.environment, arms.experiment, arms.version, arms.units) == (
        "production",
        "test",
        1,
        {"treatment": 1},
    )


@pytest.mark.requirement("R77", "R78")
def test_the_certificate_is_signed_in_the_chain_and_names_nobody(tmp_path: Path) -> None:
    root = filled(tmp_path)

    done = forgotten(root)

    (entry,) = certificates(root)
    said = json.loads(entry.content)
    assert (entry.actor, entry.reason, entry.subject) == ("ann", "request 7", "people")
    assert GONE not in entry.line()
    assert verify_log(root).fine
    form = forgotten_form(done)
    assert form["certificate"] == said
    assert (form["entry"], form["hash"]) == (entry.number, entry.hash)
    for table in said["tables"]:
        paths = [
            str(
                Path(file).relative_to(
                    root / "state" / "lake" / "shop" / table["environment"] / table["table"]
                )
            )
            for file in files(root, table["environment"], table["table"])
        ]
        assert table["digest"] == "sha256:" + sum_of("\n".join(sorted(paths)))
    # the copies that are older: thirty days, where nothing else is said
    assert said["backups"]["older_than"] == "2026-11-22T09:00:00.000000Z"
    assert said["backups"]["gone_by"] == "2026-12-22T09:00:00.000000Z"


def files(root: Path, environment: str, table: str) -> list[str]:
    from deltalake import DeltaTable  # noqa: PLC0415  # only where a table is read

    return DeltaTable(str(root / "state" / "lake" / "shop" / environment / table)).file_uris()


def sum_of(text: str) -> str:
    from hashlib import sha256  # noqa: PLC0415  # only here

    return sha256(text.encode()).hexdigest()


@pytest.mark.requirement("R78")
def test_what_was_erased_is_not_taken_for_tampered_with(tmp_path: Path) -> None:
    root = filled(tmp_path)

    forgotten(root)

    place = lake(root)
    assert [fault for name in place.tables() for fault in faults(place.folder(*name))] == []
    done = upkeep(lake_of(root), root / "state" / "upkeep.lock", Schedule(few=1, hours=0), NOW)
    assert done is not None
    assert done.faults == ()
    assert len(ids(root)) == 3 * len(OTHERS) + 1
    assert found(root, [GONE]) == []


@pytest.mark.requirement("R78")
def test_nothing_of_who_was_forgotten_comes_back(tmp_path: Path) -> None:
    root = filled(tmp_path)
    forgotten(root)

    # a client that was offline sends what it had kept; another spool has it still
    one = stored(root, send([event(900, GONE), event(901, OTHERS[3])]), send([alias(9, "new", GONE)]))

    assert found(root, [GONE]) == []
    assert "e" * 16 + f"{901:016x}" in ids(root)
    assert sum(count for *_, why, count in one.spool.counts() if why == "objected") == 2
    with pytest.raises(RefusedError, match="was forgotten cannot opt in again"):
        opt_out([unit(GONE)], root, undo=True)
    again = forgotten(root)
    assert sum(each.rows for each in again.certificate.tables) == 0
    assert len(certificates(root)) == 2


STEPS = (
    "mark",
    "begin",
    "erase: write",
    "erase: commit",
    "clean",
    "certify",
    "forget",
    "end",
)


@pytest.mark.requirement("R78")
@pytest.mark.parametrize("step", STEPS)
def test_an_erasure_killed_at_any_step_is_ended_by_the_next(tmp_path: Path, step: str) -> None:
    root = filled(tmp_path)
    put(root, send([event(800, GONE), event(801, OTHERS[2])]))
    times = "2" if step in {"erase: write", "erase: commit", "clean"} else "1"

    killed = subprocess.run(
        [sys.executable, "-m", "tests.conduct.people.killed", root, step, times, GONE], check=False
    )
    done = forgotten(root)

    assert killed.returncode == -9
    assert found(root, [GONE, "anonymous-77"]) == []
    assert len(certificates(root)) == 1
    assert journal_at(root).read() is None
    assert sum(each.rows for each in done.certificate.tables) == 11
    assert done.certificate.waiting == 1
    assert done.certificate.arms[0].units == {"treatment": 1}
    assert len(ids(root)) == 3 * len(OTHERS) + 1


def test_an_erasure_that_was_stopped_is_ended_by_one_of_somebody_else(tmp_path: Path) -> None:
    root = filled(tmp_path)
    subprocess.run(
        [sys.executable, "-m", "tests.conduct.people.killed", root, "spool", "1", GONE], check=False
    )

    forgotten(root, OTHERS[0])

    assert found(root, [GONE, OTHERS[0]]) == []
    assert [json.loads(one.content)["units"] for one in certificates(root)] == [1, 1]


@pytest.mark.requirement("R78")
def test_several_units_are_forgotten_with_one_rewriting(tmp_path: Path) -> None:
    root = filled(tmp_path)
    (tmp_path / "gone.txt").write_text("".join(f"{one}\n" for one in OTHERS[:20]))

    names = listed(tmp_path / "gone.txt")
    done = forget(meant(names, None, root), root, Why("request 8"), desk=DESK)

    assert names == tuple(OTHERS[:20])
    (tmp_path / "gone.txt").unlink()
    assert found(root, OTHERS[5:20]) == []
    assert done.certificate.units == 20
    assert done.certificate.arms[0].units == {"control": 20}
    assert {
        each.table: each.files
        for each in done.certificate.tables
        if each.files and each.environment == "production"
    } == {
        "aliases": 1,
        "events": 4,
        "exposures": 3,
    }


@pytest.mark.requirement("R78")
def test_what_comes_in_during_an_erasure_is_not_lost(tmp_path: Path) -> None:
    root = filled(tmp_path)
    ended, sent = Flag(), []

    def sending() -> None:
        number = 100_000
        while not ended.is_set():
            put(root, send([event(number, OTHERS[number % 40]), event(number + 50_000, GONE)]))
            sent.append(number)
            number += 1

    def bringing() -> None:
        one = committer_of(root)
        while not ended.is_set():
            one.flush()
        while one.flush() is not None:
            pass
        one.close()

    before = set(ids(root))
    threads = [Thread(target=sending), Thread(target=bringing)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 20
    while len(sent) < 20 and time.monotonic() < until:
        time.sleep(0.01)
    forgotten(root)
    ended.set()
    for thread in threads:
        thread.join()

    mine = {f"{'e' * 16}{number:016x}" for number in (500, 1500, 2500, 700)}
    assert set(ids(root)) == (before - mine) | {f"{'e' * 16}{number:016x}" for number in sent}
    assert len(ids(root)) == len(set(ids(root)))
    spool_of(root).scrub()
    assert found(root, [GONE]) == []
    assert [fault for name in lake(root).tables() for fault in faults(lake(root).folder(*name))] == []


def test_an_id_linked_to_others_too_stays_without_the_link(tmp_path: Path) -> None:
    root = filled(tmp_path)
    stored(
        root,
        send(
            [
                alias(3, "tablet", GONE),
                alias(4, "tablet", OTHERS[4]),
                alias(5, "anon-older-5", "anonymous-77"),
            ]
        ),
    )
    stored(root, send([event(710, "tablet"), event(711, "anon-older-5")]))

    done = forgotten(root)

    assert (done.certificate.linked, done.certificate.shared) == (2, 1)
    assert found(root, [GONE, "anonymous-77", "anon-older-5"]) == []
    assert len(ids(root, Table.ALIASES)) == 2
    assert "e" * 16 + f"{710:016x}" in ids(root)


def test_rows_under_every_key_there_was_are_erased(tmp_path: Path) -> None:
    root = filled(tmp_path)
    secret_file(root / "state" / "keys" / "pseudonym" / "2.key")
    stored(root, send([event(720, GONE), event(721, OTHERS[0])]))

    assert len(epochs_of(root / "state" / "keys" / "pseudonym")) == 2
    assert len(keys_of(root, [unit(GONE)])[unit(GONE)]) == 2
    forgotten(root)

    assert found(root, [GONE]) == []


def test_ids_themselves_are_erased_where_the_lake_holds_them(tmp_path: Path) -> None:
    root = filled(tmp_path, "privacy: {ids: raw}\n")
    assert GONE in rows(root)["unit"].to_pylist()

    forgotten(root)

    assert found(root, [GONE]) == []
    assert set(OTHERS) <= set(rows(root)["unit"].to_pylist())


def test_rows_from_before_ids_were_held_are_not_lost(tmp_path: Path) -> None:
    root = filled(tmp_path)
    project(root, "privacy: {ids: raw}\n")
    stored(root, send([event(730, GONE), event(731, OTHERS[0])]))
    upkeep(lake_of(root), root / "state" / "upkeep.lock", Schedule(few=1, hours=0), NOW)

    forgotten(root)

    assert len(ids(root)) == 3 * len(OTHERS) + 2
    assert found(root, [GONE]) == []


@pytest.mark.parametrize("reason", ["", "  ", f"{GONE} asked", f"for {GONE}."])
def test_a_reason_that_says_nothing_or_names_the_unit_is_refused(tmp_path: Path, reason: str) -> None:
    root = project(tmp_path)

    with pytest.raises(SpecError, match=r"no reason is given|names the unit"):
        forget([unit(GONE)], root, Why(reason))
    assert not marks_at(root).read()


def test_a_reason_that_the_chain_cannot_hold_is_refused_before_anything_goes(tmp_path: Path) -> None:
    root = project(tmp_path)

    with pytest.raises(StoreError, match="holds a zero character"):
        forget([unit(GONE)], root, Why("request\x007"))
    assert not marks_at(root).read()
    assert journal_at(root).read() is None


def test_a_registry_that_is_away_at_the_end_is_told_with_what_is_left_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = filled(tmp_path)
    monkeypatch.setenv(URL, f"sqlite:///{tmp_path}/nowhere/there/registry.db")
    (tmp_path / "nowhere").write_text("no folder")

    with pytest.raises(StoreError, match="is erased, and the certificate is not written yet: run this again"):
        forgotten(root)

    monkeypatch.delenv(URL)
    assert forgotten(root).certificate.units == 1
    assert len(certificates(root)) == 1


def test_two_erasures_at_once_are_refused(tmp_path: Path) -> None:
    root = project(tmp_path)

    with (
        alone(root / "state" / "people" / "erasing.lock"),
        pytest.raises(StoreError, match="another process erases"),
    ):
        forgotten(root)


def test_a_list_of_the_project_that_still_names_a_unit_is_told(tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / "flags").mkdir()
    (root / "staff.txt").write_text(f"ann\n{GONE}\n")
    (root / "flags" / "flags.yaml").write_text(
        f"lists: {{staff: {{file: staff.txt}}, testers: [ada, {GONE}]}}\nflags:\n  new: {{type: boolean, "
        "variants: {a: false, b: true}, default: a, rules: [{serve: b, to: {list: staff}}]}\n"
    )

    assert forgotten(root).named_in == ("flags/flags.yaml", "staff.txt")


def test_dead_letters_of_others_are_still_there_to_be_replayed(tmp_path: Path) -> None:
    root = project(tmp_path)
    come = Origin("shop", "production", "sdk", AT)
    bodies = (
        send([event(1, GONE)]).body,
        send([event(2, OTHERS[0])]).body,
        b'no batch, but "canary-8f3a61" in it',
    )
    spool_of(root).forget(0, [Letter(come, "late", "", body, 1, place) for place, body in enumerate(bodies)])

    assert forgotten(root).certificate.letters == 2
    assert replayed(spool_of(root)).sent == {"late": 1}
    assert found(root, [GONE]) == []


def test_files_that_are_written_anew_keep_order_statistics_and_digests(tmp_path: Path) -> None:
    root = filled(tmp_path)
    before = rows(root).filter(pq.filters_to_expression([("event_id", "!=", "")]))

    forgotten(root)

    after = rows(root)
    assert after.schema.equals(before.schema)
    for file in files(root, "production", "events"):
        keys = pq.read_table(file, partitioning=None)["unit_key"].to_pylist()
        assert keys == sorted(keys)  # type: ignore[type-var]  # no key is missing
        assert Path(file).stem.endswith(sum_of_file(Path(file)))


def sum_of_file(file: Path) -> str:
    from hashlib import sha256  # noqa: PLC0415  # only here

    return sha256(file.read_bytes()).hexdigest()


@pytest.mark.requirement("R78")
def test_all_of_a_unit_is_given_and_the_chain_tells_that_it_was_asked(tmp_path: Path) -> None:
    root = filled(tmp_path)
    letter = Letter(
        Origin("shop", "production", "sdk", AT), "late", "too late", send([event(9, GONE)]).body, 3, 0
    )
    spool_of(root).forget(0, [letter])
    put(root, send([event(800, GONE), event(801, OTHERS[2])]))

    told = subject_export(unit(GONE), root, "request 9", actor="ann", desk=DESK)

    assert (told["form"], told["unit"]) == ("splitrun.subject/1", {"type": "user", "id": GONE})
    text = json.dumps(told)
    said = json.loads(text)
    assert {name: len(of) for name, of in said.items() if isinstance(of, list)} == {
        "exposures": 3, "events": 7, "aliases": 1, "waiting": 1, "dead_letters": 1,
        "lists": 0, "named_in": 0,
    }  # fmt: skip
    mine = [one for one in said["events"] if one["environment"] == "production" and "linked" not in one]
    assert {one["properties"]["number"] for one in mine} == {500, 1500, 2500}
    assert said["exposures"][0]["variant"] == "treatment"
    assert said["exposures"][0]["attributes"] == {"country": "DE"}
    assert not any(name in text for name in OTHERS)
    assert not any(str(key) in text for key in keys_of(root, [unit(GONE)])[unit(GONE)])
    with home(root).registry() as registry:
        (entry,) = (one for one in registry.entries() if one.verb == "subject-export")
    assert (entry.actor, entry.reason, GONE in entry.line()) == ("ann", "request 9", False)
    assert json.loads(entry.content)["rows"]["events"] == 7
    assert subject_export(unit("nobody"), root, "request 10")["events"] == []
