"""R16: every file of a state folder is flipped or cut off; it is found, or whatever is read is as it was."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from splitrun.conduct.collecting.assembled import committer_of, lake_of, quarters_of, spool_of
from splitrun.conduct.registry.log import verify_log
from splitrun.conduct.registry.place import home
from splitrun.conduct.serving.access import access_of
from splitrun.errors import SplitrunError
from splitrun.store.lake.digests import faults
from splitrun.store.lake.reading import snapshot
from tests.faults.disk.small import Small, held
from tests.faults.shop import running_shop
from tests.faults.sizes import MEMORY, figures, sized

HARMS = sized(4, 60)
"""Of each file; one in four cuts it off."""
NOTHING = (".lock", "-shm", "-wal")
"""Locks hold nothing; what of the log was not moved into the file yet is none of this test."""


def seen(root: Path, key: str) -> tuple[object, ...]:
    """Read all that a state folder is read for.

    Raises:
        SplitrunError: Something is found to be wrong.
    """
    with home(root).registry() as registry:
        ruleset = registry.ruleset("shop", "production")
        assert ruleset is not None
        served = (ruleset.version, ruleset.document)
    found = verify_log(root)
    keys = access_of(root)
    listed = keys.listed()
    spool = spool_of(root)
    waiting = tuple((one.number, one.origin, one.events, one.body) for one in spool.pending())
    lake = lake_of(root)
    wrong: list[object] = [*found.faults]
    rows = []
    for project, environment, table in lake.tables():
        folder = lake.folder(project, environment, table)
        wrong += faults(folder)
        assert folder.local is not None
        rows.append(
            (table, sorted(str(one).rpartition("/")[2] for one in snapshot(folder.local.parent, table).files))
        )
    if wrong:
        raise FoundError
    pseudonym = quarters_of(root).pseudonyms.key_of("user", "u1")
    return served, listed, keys.holder(key) is not None, waiting, spool.name(), rows, pseudonym


class FoundError(SplitrunError):
    """A search found something."""


def harmed(body: bytes, dice: random.Random) -> bytes:
    """Flip a bit, or cut off."""
    place = dice.randrange(len(body))
    if dice.random() < 0.25:
        return body[:place]
    return body[:place] + bytes([body[place] ^ (1 << dice.randrange(8))]) + body[place + 1 :]


def after(root: Path, answered: list[int]) -> str:
    """Go on with a state folder that was harmed, and hold what comes of it against what was answered for."""
    one = committer_of(root)
    while one.flush() is not None:
        pass
    return held(root, answered)


@pytest.mark.requirement("R22", "R23")
def test_every_harm_to_a_file_of_the_state_folder_is_found_or_changes_nothing_that_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, answered = tmp_path / "shop", list[int]()
    key = running_shop(root)
    one = Small(root, answered.append)
    one.batches(range(3))
    one.flush()
    one.batches(range(3, 5))
    one.keep_small()
    one.batches(range(5, 7))
    expected = seen(root, key)
    dice = random.Random(16)  # noqa: S311  # a fixed world, no secret

    names = [
        file.relative_to(root)
        for file in sorted((root / "state").rglob("*"))
        if file.is_file() and file.stat().st_size and not file.name.endswith(NOTHING)
    ]
    results: Counter[tuple[str, str]] = Counter()
    silent = []
    for name in names:
        for turn in range(HARMS):
            with TemporaryDirectory(dir=MEMORY) as folder:
                copy = Path(folder) / "shop"
                shutil.copytree(root, copy)
                (copy / name).write_bytes(harmed((root / name).read_bytes(), dice))
                try:
                    same = seen(copy, key) == expected and after(copy, answered) == ""
                except SplitrunError:
                    results[kind(name), "found"] += 1
                    continue
                results[kind(name), "same" if same else "silent"] += 1
                if not same:
                    silent.append(f"{name} at turn {turn}")

    figures(capsys, f"R16: {len(names)} files, {HARMS} harms each: {dict(results)}")
    assert silent == []


def kind(name: Path) -> str:
    """Say what a file is."""
    return "/".join(name.parts[1:2]) + ("" if len(name.parts) < 3 else f"/*{name.suffix}")


@pytest.mark.requirement("R22")
def test_keys_that_were_read_last_stand_while_their_file_is_not_what_was_written(tmp_path: Path) -> None:
    key = running_shop(tmp_path)
    keys = access_of(tmp_path)
    assert keys.holder(key) is not None
    was = keys.file.read_bytes()

    keys.file.write_bytes(was.replace(b'"shop"', b'"shoq"'))
    keys.looked = 0.0

    assert getattr(keys.holder(key), "project", None) == "shop"
    with pytest.raises(SplitrunError, match="not what was written"):
        keys.listed()
    keys.file.write_bytes(was)
    keys.looked = 0.0
    assert getattr(keys.holder(key), "project", None) == "shop"


@pytest.mark.requirement("R23")
def test_a_bit_changed_in_a_key_of_pseudonyms_is_found(tmp_path: Path) -> None:
    running_shop(tmp_path)
    quarters_of(tmp_path)
    (file,) = (tmp_path / "state" / "keys" / "pseudonym").glob("*.key")
    was = file.read_bytes()

    for place in range(len(was) * 8):
        changed = bytearray(was)
        changed[place // 8] ^= 1 << place % 8
        file.write_bytes(changed)
        with pytest.raises(SplitrunError, match="not what was written"):
            quarters_of(tmp_path)
