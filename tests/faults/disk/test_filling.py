"""R4: a disk that fills up while an experiment is read, or its registry backed up or migrated."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from splitrun.conduct.analyze import analyze
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.lifecycle.seals.registering import register
from splitrun.conduct.reading.access import Access
from splitrun.conduct.reading.readout import Wish, readout
from splitrun.conduct.registry.log import log, verify_log
from splitrun.conduct.registry.upkeep import back_up, migrate_registry, restore
from splitrun.errors import EngineError, SplitrunError
from splitrun.govern.lifecycle.table import Verb
from splitrun.store.registry.databases.migrating import NEWEST, revisions
from tests.conduct.lifecycle.shop import KEY, applied, asked, exposed, laid
from tests.faults.disk.test_full import small_disk
from tests.faults.sizes import figures, sized

PAGE = 4096
ROOMS = sized(6, 60)
"""Times, with more room each time."""
MOST = 240
"""Pages of room that are enough for anything here."""
PERIODS = 30_000
"""Days of an experiment whose rows do not fit into so much memory."""
MEMORY = "60MB"
EARLIER = revisions()[-2]


def started(root: Path) -> Path:
    """A shop whose experiment runs and has data."""
    laid(root)
    applied(root)
    register(KEY, asked(root))
    move(Verb.START, KEY, asked(root))
    exposed(root)
    return root


def pages(step: int) -> int:
    """Pages of room at a step: none at first, and little more as long as there is little."""
    return MOST * step**2 // (ROOMS - 1) ** 2


def no_mistake(told: list[str]) -> bool:
    """Whether what refused is the disk, and nobody is told to mend a file."""
    return all(one == "" or one.startswith(("StoreError: ", "EngineError: ")) for one in told)


@contextmanager
def room(disk: Path, pages: int) -> Iterator[None]:
    """Fill a disk up to so many pages."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as out:
        out.write(bytes(shutil.disk_usage(disk).free - pages * PAGE))
    try:
        yield
    finally:
        ballast.unlink()


def refused(what: Callable[[], object]) -> str:
    """Try something; what it was refused with, in words."""
    try:
        what()
    except SplitrunError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def looks(root: Path) -> int:
    """How many looks the chain has."""
    return sum(one.verb == "look" for one in log(root).entries)


@pytest.mark.requirement("R22")
def test_whatever_room_is_left_a_readout_is_recorded_whole_or_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk):
        root = started(disk / "shop")
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        told: list[str] = []
        for step in range(ROOMS):
            before = looks(root)
            with room(disk, pages(step)):
                told.append(refused(lambda: readout(KEY, root, wish=Wish(reason="weekly"))))
            assert looks(root) - before == (told[-1] == "")
            assert verify_log(root).fine
        after = refused(lambda: readout(KEY, root, wish=Wish(reason="weekly")))

    figures(capsys, f"R4: {ROOMS} readouts on a disk that fills up, {sum(map(bool, told))} refused")
    assert (told[0] != "", told[-1], after) == (True, "", "")
    assert no_mistake(told)


@pytest.mark.requirement("R22")
def test_whatever_room_is_left_a_backup_is_whole_or_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = tmp_path / "disk"
    root = started(tmp_path / "shop")
    told: list[str] = []
    with small_disk(disk):
        for step in range(ROOMS):
            folder = disk / f"backup-{step}"
            with room(disk, pages(step)):
                told.append(refused(lambda folder=folder: back_up(folder, root)))  # type: ignore[misc]  # bound now
            other = laid(tmp_path / f"other-{step}")
            shutil.copytree(root / "state" / "keys", other / "state" / "keys")
            came = refused(lambda folder=folder, other=other: restore(folder, other, "elsewhere"))  # type: ignore[misc]  # bound now
            assert (came == "") == (told[-1] == ""), (told[-1], came)
            shutil.rmtree(folder, ignore_errors=True)

    figures(capsys, f"R4: {ROOMS} backups on a disk that fills up, {sum(map(bool, told))} refused")
    assert (told[0] != "", told[-1]) == (True, "")
    assert no_mistake(told)
    assert verify_log(root).fine


@pytest.mark.requirement("R22")
def test_whatever_room_is_left_a_migration_is_whole_or_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = tmp_path / "disk"
    told: list[str] = []
    with small_disk(disk):
        root = started(disk / "shop")
        entries = [one.hash for one in log(root).entries]
        for step in range(ROOMS):
            migrate_registry(root, EARLIER)
            with room(disk, pages(step)):
                told.append(refused(lambda: migrate_registry(root)))
            migrate_registry(root, NEWEST)
            assert [one.hash for one in log(root).entries] == entries
            assert verify_log(root).fine

    figures(capsys, f"R4: {ROOMS} migrations on a disk that fills up, {sum(map(bool, told))} refused")
    assert (told[0] != "", told[-1]) == (True, "")
    assert no_mistake(told)


@pytest.mark.requirement("R22")
def test_rows_that_fit_neither_into_memory_nor_onto_the_disk_name_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid(tmp_path)
    exposed(tmp_path, days=PERIODS)
    file, disk = tmp_path / "experiments" / "one-page.yaml", tmp_path / "disk"
    with small_disk(disk):
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        with room(disk, 500), pytest.raises(EngineError, match="no room for its temporary files") as told:
            analyze(file, access=Access(memory=MEMORY))

    assert str(disk) in str(told.value)
