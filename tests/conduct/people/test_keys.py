"""Units are looked for by the keys that rows were written with, or not at all."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from splitrun.conduct.people.exporting import subject_export
from splitrun.conduct.people.forgetting import Why, forget
from splitrun.conduct.people.opting import opt_out
from splitrun.conduct.people.place import listed, meant
from splitrun.conduct.people.telling import chosen
from splitrun.errors import SpecError, StoreError
from splitrun.store.lake.pseudonyms import KEYS, destroyed
from splitrun.store.people.place import marks_at
from splitrun.store.spool.cipher import secret_file
from tests.conduct.people.shop import event, ids, project, send, stored, unit

GONE = "canary-8f3a61"
WHY = Why("request 7", "ann")
KEY = f"1:{b64encode(bytes(range(32))).decode()}"


@pytest.mark.requirement("R78")
@pytest.mark.parametrize("other", ["", f"1:{b64encode(bytes(32)).decode()}"])
def test_nobody_is_looked_for_by_another_key_than_the_committer_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    root = project(tmp_path)
    monkeypatch.setenv(KEYS, KEY)
    stored(root, send([event(1, GONE), event(2, "visitor-1")]))
    monkeypatch.setenv(KEYS, other)

    with pytest.raises(StoreError, match=KEYS):
        forget([unit(GONE)], root, WHY)
    with pytest.raises(StoreError, match=KEYS):
        subject_export(unit(GONE), root, "request 6")
    with pytest.raises(StoreError, match=KEYS):
        opt_out([unit(GONE)], root)

    assert marks_at(root).read() == {}
    assert not list((root / "state" / "keys" / "pseudonym").glob("*.key"))
    monkeypatch.setenv(KEYS, KEY)
    forget([unit(GONE)], root, WHY)
    assert len(ids(root)) == 1


@pytest.mark.requirement("R78")
def test_a_key_that_is_away_is_missed_until_it_is_destroyed(tmp_path: Path) -> None:
    root = project(tmp_path)
    keys = root / "state" / "keys" / "pseudonym"
    stored(root, send([event(1, GONE)]))
    secret_file(keys / "2.key")
    stored(root, send([event(2, GONE)]))
    (keys / "1.key").rename(tmp_path / "away")

    with pytest.raises(StoreError, match=r"epoch 1 that is not at hand"):
        forget([unit(GONE)], root, WHY)

    destroyed(keys, 1)
    assert sorted(one.name for one in keys.iterdir()) == ["2.check", "2.key"]
    assert forget([unit(GONE)], root, WHY).certificate.units == 1


def test_doctor_tells_that_the_keys_are_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(tmp_path)
    monkeypatch.setenv(KEYS, KEY)
    stored(root, send([event(1, GONE)]))
    assert [one.fine for one in chosen(root)] == [True, True, True]
    monkeypatch.delenv(KEYS)

    (said,) = (one for one in chosen(root) if one.name == "pseudonyms")

    assert not said.fine
    assert "no key of pseudonyms is at hand" in said.says


def test_what_is_noted_of_a_key_does_not_tell_it(tmp_path: Path) -> None:
    root = project(tmp_path)
    stored(root, send([event(1, GONE)]))

    keys = root / "state" / "keys" / "pseudonym"
    note = (keys / "1.check").read_bytes().strip()

    assert len(note) == 16
    assert bytes.fromhex(note.decode()) not in (keys / "1.key").read_bytes()


def test_an_id_that_no_event_can_carry_is_refused(tmp_path: Path) -> None:
    root = project(tmp_path)

    with pytest.raises(SpecError, match="not UTF-8"):
        meant(["a\udcffb"], None, root)


def test_what_an_editor_begins_a_file_with_is_no_part_of_the_first_id(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_bytes("\ufeffu-1\r\nu-2\n".encode())

    assert listed(tmp_path / "ids.txt") == ("u-1", "u-2")
