"""R16: whatever a state folder holds is changed by a bit; nobody reads it as if it were right."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from splitrun.errors import StoreError
from splitrun.store.lake.digests import faults
from splitrun.store.lake.place import Lake
from splitrun.store.lake.tables import Table
from splitrun.store.spool.cipher import secret_file
from tests.conduct.collecting.sending import committer, event, put, send
from tests.faults.sizes import sized

FLIPS = sized(10, 200)


def flipped(file: Path, dice: random.Random) -> bytes:
    """Change one bit of a file; gives what it held."""
    was = file.read_bytes()
    place = dice.randrange(len(was))
    file.write_bytes(was[:place] + bytes([was[place] ^ (1 << dice.randrange(8))]) + was[place + 1 :])
    return was


@pytest.mark.requirement("R23")
def test_each_bit_changed_in_a_file_of_the_lake_is_found(tmp_path: Path) -> None:
    dice, one = random.Random(16), committer(tmp_path)  # noqa: S311  # a fixed world, no secret
    for first in (0, 100):
        put(one, send([event(first + n) for n in range(50)]))
        one.flush()
    folder = Lake(str(tmp_path / "lake")).folder("shop", "production", Table.EVENTS)
    assert faults(folder) == ()
    assert folder.local is not None
    files = sorted(file for file in folder.local.rglob("*") if file.is_file())
    assert {file.suffix for file in files} >= {".parquet", ".json"}

    for file in files:
        for _ in range(FLIPS):
            was = flipped(file, dice)
            assert faults(folder), file.name
            file.write_bytes(was)


@pytest.mark.requirement("R22")
def test_each_bit_changed_in_a_body_of_the_spool_is_found(tmp_path: Path) -> None:
    dice, one = random.Random(16), committer(tmp_path)  # noqa: S311  # a fixed world, no secret
    put(one, send([event(n) for n in range(20)]))

    with one.spool.connection() as write:
        (body,) = write.execute("select body from parcels").fetchone()
        for _ in range(FLIPS):
            place = dice.randrange(len(body))
            changed = body[:place] + bytes([body[place] ^ (1 << dice.randrange(8))]) + body[place + 1 :]
            write.execute("update parcels set body = ?", (changed,))
            with pytest.raises(StoreError, match="spool"):
                one.spool.pending()


def test_a_key_that_is_cut_off_is_no_key(tmp_path: Path) -> None:
    file = tmp_path / "spool.key"
    file.write_bytes(secret_file(file)[:-1])

    with pytest.raises(StoreError, match="31 bytes"):
        secret_file(file)
