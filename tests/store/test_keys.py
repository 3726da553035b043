from __future__ import annotations

import base64
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from splitrun.errors import StoreError
from splitrun.store.chain.entry import Remark
from splitrun.store.chain.head import HeadFile, Pocket
from splitrun.store.chain.ring import KeyFiles, LoneKey, holds
from splitrun.store.registry.change import Change, KeyChange
from splitrun.store.registry.registry import Registry
from tests.store.places import NOON, Place, change, fill, verified


def rotated(registry: Registry, place: Place, name: str) -> None:
    public = place.ring.new(name, NOON).public
    remark = Remark("announce-key", f"key/{name}", "every year")
    registry.commit(Change(NOON, "ann", (remark,), keys=(KeyChange(name, public),)))


def test_a_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    one = KeyFiles(tmp_path / "keys").new("first", NOON)

    assert (tmp_path / "keys" / "first.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert len(base64.b64decode(one.public)) == 32
    assert "PRIVATE" not in (tmp_path / "keys" / "public.json").read_text()


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    ring = KeyFiles(tmp_path)
    ring.new("first", NOON)
    (tmp_path / "first.pem").chmod(0o644)

    with pytest.raises(StoreError, match="is open to others; run: chmod 600"):
        ring.signer(None)


def test_a_key_made_twice_is_the_same_key(tmp_path: Path) -> None:
    ring = KeyFiles(tmp_path)
    first = ring.new("first", NOON)

    assert ring.new("first", NOON) == first
    (tmp_path / "public.json").unlink()
    assert KeyFiles(tmp_path).new("first", NOON).public == first.public


def test_of_those_who_make_a_key_at_once_all_get_the_same(tmp_path: Path) -> None:
    program = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path; "
        "from splitrun.store.chain.ring import KeyFiles; sys.stdout.write('.'); sys.stdout.flush(); "
        "sys.stdin.readline(); ring = KeyFiles(Path(sys.argv[1])); "
        "sys.stdout.write(ring.new('first', datetime.now(UTC)).public)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdin=PIPE, stdout=PIPE, text=True)
        for _ in range(6)
    ]
    for one in running:
        assert one.stdout is not None
        assert one.stdout.read(1) == "."
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    told = {one.communicate(timeout=60)[0] for one in running}

    ring = KeyFiles(tmp_path)
    assert told == {ring.signer(None).public} == set(ring.public.values())


@pytest.mark.parametrize("name", ["", "a/b", "..", "UPPER", "x" * 65, "a b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="is no name of a key"):
        KeyFiles(tmp_path).new(name, NOON)


def test_files_that_are_no_keys_are_told(tmp_path: Path) -> None:
    ring = KeyFiles(tmp_path)
    with pytest.raises(StoreError, match=r"there is no key in .*; run `splitrun keys new`"):
        ring.signer(None)
    with pytest.raises(StoreError, match=r"is signed by first, and .* holds no key that signs; bring the"):
        ring.signer({"first"})
    ring.new("first", NOON)
    for wrong, says in (
        (b"no key", "cannot be read"),
        (
            rsa.generate_private_key(65537, 2048).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "is no Ed25519 key",
        ),
    ):
        (tmp_path / "first.pem").write_bytes(wrong)
        with pytest.raises(StoreError, match=says):
            KeyFiles(tmp_path).signer(None)
    (tmp_path / "public.json").write_text('{"form": "splitrun.keys/1", "keys": 7}')
    with pytest.raises(StoreError, match="is no file of public keys"):
        ring.listed()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(StoreError, match=r"file/keys/first\.pem|public\.json"):
        KeyFiles(tmp_path / "file" / "keys").new("first", NOON)


def test_the_old_key_signs_the_new_one_which_signs_from_then_on(on_sqlite: Place) -> None:
    with closing(on_sqlite.registry()) as registry:
        fill(registry, 1)
        rotated(registry, on_sqlite, "second")
        fill(registry, 1, 2)
        chain = list(registry.entries())

    assert [entry.key for entry in chain] == ["first", "first", "first", "second"]
    only_the_first = {"first": on_sqlite.keys["first"]}
    with closing(on_sqlite.registry()) as registry:
        assert verified(registry, only_the_first).fine
        assert not verified(registry, {"second": on_sqlite.keys["second"]}).fine


def test_another_key_signs_that_one_is_retired(on_sqlite: Place) -> None:
    with closing(on_sqlite.registry()) as registry:
        fill(registry, 1)
        rotated(registry, on_sqlite, "second")
        public = on_sqlite.keys["second"]
        gone = (KeyChange("second", public, retired=True),)
        registry.commit(Change(NOON, "ann", (Remark("retire-key", "key/second", "lost"),), keys=gone))
        on_sqlite.ring.retire("second", NOON)
        fill(registry, 1, 2)
        chain = list(registry.entries())
        with pytest.raises(StoreError, match="no key 'second' signs here; those that do: first"):
            registry.commit(Change(NOON, "ann", (Remark("retire-key", "key/second", "again"),), keys=gone))
        with pytest.raises(StoreError, match="was announced before"):
            registry.commit(
                replace(change(5), keys=(KeyChange("second", public),)),
            )

    assert [entry.key for entry in chain] == ["first"] * 5
    assert on_sqlite.verified().fine
    assert [key.retired for key in on_sqlite.ring.listed()][1] == "2026-01-02T12:00:00.000000Z"


def test_a_machine_without_an_announced_key_cannot_write(on_sqlite: Place, tmp_path: Path) -> None:
    with closing(on_sqlite.registry()) as registry:
        fill(registry, 1)
    (on_sqlite.folder / "keys").rename(tmp_path / "away")
    KeyFiles(on_sqlite.folder / "keys").new("other", NOON)

    with (
        closing(on_sqlite.registry()) as registry,
        pytest.raises(
            StoreError, match=r"the registry knows the keys first, and .* holds other; announce this"
        ),
    ):
        registry.commit(change(2))


def test_a_signature_that_is_none_does_not_hold() -> None:
    key = LoneKey().signer(None)

    assert holds(key.public, key.signature(b"a"), b"a")
    assert not holds(key.public, key.signature(b"a"), b"b")
    assert not holds(key.public, "no base64", b"a")
    assert not holds("AAAA", key.signature(b"a"), b"a")


def test_a_head_never_goes_back_and_a_file_that_is_none_is_told(on_sqlite: Place) -> None:
    with closing(on_sqlite.registry()) as registry:
        fill(registry, 2)
    head = on_sqlite.witness.read()
    assert head is not None
    pocket = Pocket()

    for witness in (on_sqlite.witness, pocket):
        witness.keep(head)
        witness.keep(replace(head, number=1))
        assert witness.read() == head
        witness.replace(replace(head, number=1))
        assert witness.read() == replace(head, number=1)
    for wrong in ("", "[]", "{}", '{"form": "splitrun.head/1", "number": "x"}', "\ud800"):
        (on_sqlite.folder / "head.json").write_bytes(wrong.encode("utf-8", "surrogatepass"))
        with pytest.raises(
            StoreError, match=r"head\.json (is no head|cannot be read)|the head .* cannot be read"
        ):
            on_sqlite.witness.read()


def test_a_head_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    registry = Place("sqlite:///" + str(tmp_path / "registry.db"), tmp_path)

    with closing(registry.registry()) as opened:
        fill(opened, 1)
        head = registry.witness.read()
        assert head is not None
        with pytest.raises(StoreError, match=r"cannot be (read|written)"):
            HeadFile(tmp_path / "file" / "head.json").keep(head)


def test_a_key_of_the_same_name_that_is_another_signs_nothing(place: Place) -> None:
    with closing(place.registry()) as registry:
        fill(registry, 2)
    for file in (place.folder / "keys").iterdir():
        file.rename(place.folder / f"gone-{file.name}")
    assert place.ring.listed()  # made anew, as `first` too
    head = place.witness.read()

    with closing(place.registry()) as registry:
        with pytest.raises(StoreError, match="the key 'first' at hand is not the one that the audit chain"):
            fill(registry, 1, 3)
        last = registry.last()

    assert head == place.witness.read()
    assert last is not None
    assert head is not None
    assert last.number == head.number
