"""Many at once: streams are cheap, each hears of a change once, and a herd that comes back is told 304."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from splitrun.conduct.serving.kills import kill
from tests.serve.crowd import ears, until
from tests.serve.live import Running, Served


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_five_hundred_streams_take_little_memory_and_each_hears_of_a_change_once(
    shop: Path, running: Running
) -> None:
    many, pid = 500, running.process.pid

    async def told() -> tuple[int, list[int]]:
        async with ears(running, 20):
            before = resident(pid)  # what the first streams load counts for nobody
        async with ears(running, many) as found:
            grown = resident(pid) - before
            await asyncio.to_thread(kill, "checkout", shop, "it burns")
            await until(lambda: all(one.events for one in found))
            await asyncio.to_thread(running.get, "/livez")
            return grown, [one.events for one in found]

    grown, events = asyncio.run(told())

    assert grown / many <= 64_000
    assert events == [1] * many


def test_a_herd_that_comes_back_is_told_that_nothing_has_changed(served: Served) -> None:
    etag = served.get("/v1/ruleset").headers["ETag"]

    with ThreadPoolExecutor(16) as pool:
        found = [*pool.map(lambda _: served.get("/v1/ruleset", **{"If-None-Match": etag}), range(300))]

    assert {(one.status, one.data) for one in found} == {(304, b"")}
