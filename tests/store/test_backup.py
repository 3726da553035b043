from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from splitrun.errors import StoreError
from splitrun.store.backup.copying import backed_up
from splitrun.store.backup.manifest import Manifest
from splitrun.store.backup.restoring import Restored, restored
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change
from splitrun.store.verification import verify
from tests.store.places import NOON, Place, change, fill
from tests.store.sizes import sized
from tests.store.tampers import read
from tests.store.test_writers import start

SAID = Change(NOON, "ann", (Remark("restored", "registry", "the disk died"),))


def copied(place: Place, name: str = "backup") -> Manifest:
    with closing(place.database()) as database:
        return backed_up(database, place.folder / name, NOON, place.witness.read())


def put_back(place: Place, source: Place, name: str = "backup") -> Restored:
    """Restore on a machine that was given the folder of keys."""
    if place != source:
        shutil.copytree(source.folder / "keys", place.folder / "keys", dirs_exist_ok=True)
    with closing(place.database()) as database:
        return restored(source.folder / name, database, place.sealing(), SAID)


def filled(place: Place, many: int = 4) -> Place:
    with closing(place.registry()) as registry:
        fill(registry, many)
    return place


@pytest.mark.parametrize("other", ["sqlite", "postgresql"])
def test_a_backup_made_while_others_write_is_restored_elsewhere_up_to_its_mark(
    place: Place, new_place: Callable[..., Place], other: str
) -> None:
    filled(place, sized(5, 2_000))
    running: subprocess.Popen[str] = start(place, "go on", str(sized(6, 2_001)))
    assert running.stdout is not None
    running.stdout.readline()
    elsewhere = new_place(other, "elsewhere")

    made = copied(place)
    time.sleep(0.05)
    running.kill()
    running.communicate()
    done = put_back(elsewhere, place)

    theirs, ours = read(place.database(), None), read(elsewhere.database(), None)
    returned = ours.chain.pop()
    assert made.mark >= 7
    assert ours.chain == theirs.chain[: made.mark]
    for name, rows in theirs.rows.items():
        if name != "entries":
            assert ours.rows[name] == [row for row in rows if int(str(row["entry"])) <= made.mark]
    assert (returned["verb"], returned["reason"], done.lost) == ("restored", "the disk died", 0)
    assert json.loads(str(returned["content"]))["mark"] == made.mark
    assert elsewhere.verified().fine
    with closing(elsewhere.registry()) as registry:
        registry.commit(change(10_000))
    assert elsewhere.verified().fine


def test_a_restore_in_the_same_place_says_what_is_lost(on_sqlite: Place) -> None:
    filled(on_sqlite)
    copied(on_sqlite)
    with closing(on_sqlite.registry()) as registry:
        fill(registry, 3, 5)
    for file in on_sqlite.folder.glob("registry.db*"):
        file.unlink()

    done = put_back(on_sqlite, on_sqlite)

    assert done.lost == 3
    assert on_sqlite.verified().fine
    with closing(on_sqlite.registry()) as registry:
        assert [entry.verb for entry in registry.entries(since=5)] == ["restored"]


def test_a_restore_that_was_cut_off_is_repeated(on_sqlite: Place, new_place: Callable[..., Place]) -> None:
    filled(on_sqlite)
    copied(on_sqlite)
    elsewhere = new_place("sqlite", "elsewhere")
    strange = replace(SAID, actor=" ")
    shutil.copytree(on_sqlite.folder / "keys", elsewhere.folder / "keys")
    with closing(elsewhere.database()) as database, pytest.raises(StoreError, match="nobody is named"):
        restored(on_sqlite.folder / "backup", database, elsewhere.sealing(), strange)

    put_back(elsewhere, on_sqlite)

    assert elsewhere.verified().fine
    assert elsewhere.verified().entries == 6


def test_a_backup_that_was_tampered_with_is_not_restored(
    on_sqlite: Place, new_place: Callable[..., Place]
) -> None:
    filled(on_sqlite)
    copied(on_sqlite)
    file = on_sqlite.folder / "backup" / "registry.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"x")
    elsewhere = new_place("sqlite", "elsewhere")

    with pytest.raises(StoreError, match=r"has the digest .* was written; take another backup"):
        put_back(elsewhere, on_sqlite)

    (on_sqlite.folder / "backup" / "manifest.json").unlink()
    with pytest.raises(StoreError, match="is no whole backup"):
        put_back(elsewhere, on_sqlite)


def test_a_tampered_registry_is_not_restored_as_if_it_were_sound(
    on_sqlite: Place, new_place: Callable[..., Place]
) -> None:
    filled(on_sqlite)
    with closing(sqlite3.connect(on_sqlite.file)) as connection:
        connection.executescript("DROP TRIGGER plans_no_update; UPDATE plans SET body = '{}'")
    copied(on_sqlite)

    with pytest.raises(StoreError, match="was tampered with: entry 2: a row of plans"):
        put_back(new_place("sqlite", "elsewhere"), on_sqlite)


def test_nothing_is_written_over_another_registry_or_backup(
    on_sqlite: Place, new_place: Callable[..., Place]
) -> None:
    filled(on_sqlite)
    copied(on_sqlite)
    other = filled(new_place("sqlite", "other"), 2)

    with pytest.raises(StoreError, match="holds 3 entries already; restore into an empty database"):
        put_back(other, on_sqlite)
    with pytest.raises(StoreError, match="is not empty; name a new folder"):
        copied(on_sqlite)
    with closing(on_sqlite.registry()):
        empty = new_place("sqlite", "empty")
        with closing(empty.registry()):
            copied(empty)
        with pytest.raises(StoreError, match="holds no entry; there is nothing to restore"):
            put_back(new_place("sqlite", "third"), empty)


def test_every_flipped_bit_that_changes_anything_is_found(on_sqlite: Place) -> None:
    filled(on_sqlite, 3)
    with closing(sqlite3.connect(on_sqlite.file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    log, whole, rng = read(on_sqlite.database(), None), on_sqlite.file.read_bytes(), random.Random(2)  # noqa: S311 - seeded on purpose
    written = [place for place, byte in enumerate(whole) if byte]
    silent, changed = [], 0
    for _ in range(sized(60, 2_000)):
        place = rng.choice(written)
        for old in on_sqlite.folder.glob("registry.db*"):
            old.unlink()
        flipped = bytes([whole[place] ^ (1 << rng.randrange(8))])
        on_sqlite.file.write_bytes(whole[:place] + flipped + whole[place + 1 :])
        try:
            with closing(on_sqlite.registry()) as registry:
                found = verify(registry, on_sqlite.witness.read(), on_sqlite.keys).fine
            same = read(on_sqlite.database(), None) == log
        except StoreError:
            changed += 1
            continue
        changed += not same
        if found and not same:
            silent.append(place)

    assert silent == []
    assert changed > 5
