from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Event as Flag

from splitrun.conduct.collecting.assembled import committer_of, loop_of, spool_of
from splitrun.conduct.collecting.loop import Loop
from splitrun.store.lake.place import Lake
from splitrun.store.lake.tables import Table
from tests.conduct.collecting.sending import committer, event, put, rows, send

PROJECT = "project: shop\n"


def refusing(loop: Loop) -> None:
    """Wait until something refuses."""
    pause = Flag()
    while not loop.ready():
        pause.wait(0.01)


def test_a_loop_flushes_what_waits_before_it_ends(tmp_path: Path) -> None:
    one = committer(tmp_path)
    flushed: list[int] = []
    loop = Loop(lambda: committer(tmp_path), lambda: flushed.append(1))

    async def lived() -> None:
        await loop.start()
        put(one, send([event(1)]))
        await loop.stop()

    asyncio.run(lived())

    assert rows(tmp_path).num_rows == 1
    assert flushed == [1]
    assert loop.ready() == ""
    assert (tmp_path / "spool-seen" / "shop.production.seen").exists()


def test_a_loop_says_what_refuses_and_begins_again(tmp_path: Path) -> None:
    one = committer(tmp_path)
    put(one, send([event(1)]))
    (tmp_path / "lake").write_text("no folder")
    done = Flag()
    loop = Loop(lambda: committer(tmp_path), done.set)

    async def lived() -> str:
        await loop.start()
        await asyncio.to_thread(refusing, loop)
        refused = loop.ready()
        (tmp_path / "lake").unlink()
        await asyncio.to_thread(done.wait)
        await loop.stop()
        return refused

    refused = asyncio.run(lived())

    assert "cannot be opened" in refused
    assert rows(tmp_path).num_rows == 1


def test_a_projects_folder_has_a_committer_with_keys_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "splitrun.yaml").write_text(PROJECT)
    spool = spool_of(tmp_path)
    with spool.connection() as write:
        spool.keep(write, [send([event(1)])])

    done = committer_of(tmp_path).flush()

    assert done is not None
    assert Lake(str(tmp_path / "state" / "lake")).tables() == [
        ("shop", "production", table) for table in sorted(Table)
    ]
    assert (tmp_path / "state" / "keys" / "pseudonym" / "1.key").stat().st_mode & 0o077 == 0
    assert loop_of(tmp_path).ready() == "the committer has not begun"
