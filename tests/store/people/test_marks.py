from __future__ import annotations

import base64
from pathlib import Path

import pytest

from splitrun.errors import StoreError
from splitrun.sdk.event import Unit
from splitrun.store.people.heeded import Heeded
from splitrun.store.people.marks import KEY, Kind, Mark, Marks

ADA, BOB = Unit("user", "ada"), Unit("user", "bob")


def marks(root: Path) -> Marks:
    return Marks(root / "people" / "marks", root / "erasure.key")


def marked(one: Marks, *units: Unit, kind: Kind = Kind.OUT, keys: tuple[int, ...] = ()) -> None:
    with one.changing() as listed:
        for unit in units:
            token = one.token(unit)
            listed[token] = Mark(kind, "2026-11-22", one.sealed(token, keys))


@pytest.mark.requirement("R79")
def test_the_list_names_nobody(tmp_path: Path) -> None:
    one = marks(tmp_path)

    marked(one, ADA, BOB, keys=(-7, 1 << 62))

    body = one.file.read_bytes()
    assert b"ada" not in body
    assert b"bob" not in body
    assert (1 << 62).to_bytes(8, "little") not in body
    assert one.keys(one.read()) == {-7, 1 << 62}
    assert one.file.stat().st_mode & 0o077 == 0
    # another key, another token: who has the list alone can try nobody out
    assert marks(tmp_path / "other").token(ADA) != one.token(ADA)
    assert one.token(Unit("use", "rada")) != one.token(ADA)


def test_the_token_is_hmac_sha256_of_type_and_id(tmp_path: Path) -> None:
    (tmp_path / "erasure.key").write_bytes(b"k" * 32)

    # printf 'user\037ada' | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
    assert marks(tmp_path).token(ADA) == "2ddcc76d1dfcbd1e051caebca24b8b068c2a241c5cbfb8a5ebc306d090489283"


def test_the_key_may_stand_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, base64.b64encode(b"k" * 32).decode())
    assert marks(tmp_path).key == b"k" * 32

    monkeypatch.setenv(KEY, "short")
    with pytest.raises(StoreError, match=f"{KEY} is no key; write 32 bytes in base64"):
        _ = marks(tmp_path).key


def test_a_list_of_another_key_or_one_that_was_changed_is_refused(tmp_path: Path) -> None:
    one = marks(tmp_path)
    marked(one, ADA, BOB)
    body = one.file.read_bytes()

    for place in range(len(body)):
        one.file.write_bytes(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
        # a line that lost its end is one that somebody was stopped while writing
        if place < len(body) - 1:
            with pytest.raises(StoreError, match="cannot be read"):
                one.read()
    one.file.write_bytes(body)
    one.key_file.unlink()
    with pytest.raises(StoreError, match="written with another erasure key"):
        marks(tmp_path).read()


def test_a_line_that_was_cut_off_is_written_over(tmp_path: Path) -> None:
    one = marks(tmp_path)
    marked(one, ADA)
    with one.file.open("ab") as file:
        file.write(b"half a li")

    marked(one, BOB)

    assert set(one.read()) == {one.token(ADA), one.token(BOB)}


@pytest.mark.requirement("R79")
def test_a_running_process_heeds_what_others_write(tmp_path: Path) -> None:
    one, heeded = marks(tmp_path), Heeded(marks(tmp_path), tmp_path / "turns")
    assert heeded.unwanted(fresh=True) is None
    marked(one, ADA, keys=(5,))

    seen = heeded.unwanted(fresh=True)
    marked(one, BOB, keys=(6,))
    again = heeded.unwanted(fresh=True)

    assert seen is not None
    assert again is not None
    assert (seen(ADA), seen(BOB), again(ADA), again(BOB)) == (True, False, True, True)
    assert heeded.keys() == {5, 6}
    with one.changing() as listed:
        del listed[one.token(ADA)]
    left = heeded.unwanted(fresh=True)
    assert left is not None
    assert (left(ADA), left(BOB)) == (False, True)
    assert heeded.keys() == {6}


def test_what_was_read_last_stands_while_the_list_cannot_be_read(tmp_path: Path) -> None:
    one, heeded = marks(tmp_path), Heeded(marks(tmp_path), tmp_path / "turns")
    marked(one, ADA)
    heeded.refresh(fresh=True)

    one.file.write_bytes(b"something else\n")
    seen = heeded.unwanted(fresh=True)
    one.file.unlink()
    again = heeded.unwanted(fresh=True)

    assert seen is not None
    assert again is not None
    assert seen(ADA)
    assert again(ADA)
    one.file.write_bytes(b"something else\n")
    with pytest.raises(StoreError, match="cannot be read"):
        Heeded(marks(tmp_path), tmp_path / "turns").unwanted()
