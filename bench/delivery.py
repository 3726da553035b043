"""How fast a change and a kill reach connected clients, and how many flags a second a core evaluates (OFREP).

`python -m bench.delivery [CLIENTS] [ROUNDS] [SECONDS]`: a server as `splitrun serve` starts it over a small
project, first with real clients that listen (SSE) in this process, which share both cores with it; then
OFREP, the server on core 0 and the load on core 1. Some kills are sent while the registry refuses writes.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import monotonic

from bench.ingest import spent
from bench.ingest_load import load
from msgspec.json import encode
from tests.conduct.lifecycle.shop import KEY, asked
from tests.serve.crowd import clients, ears, heard, until
from tests.serve.live import Running, begun, live
from tests.serve.test_kills import unwritable

from splitrun import Client
from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.serving.kills import kill, unkill
from splitrun.govern.lifecycle.table import Verb

__all__ = ["main"]

FLAG = "checkout"
GOALS = {"a change": 1.0, "a kill": 2.0, "a kill, registry read-only": 2.0}
"""Seconds, at p99."""
ASKED = 5_000
"""Requests for one flag, a second of a core."""
CROWD = 5_000
"""Streams at once."""
FEW, MANY = 16, 64
"""Connections."""
PATH = "/ofrep/v1/evaluate/flags"


def off(client: Client) -> bool:
    """Whether a client knows that the flag was killed."""
    return not client.ruleset.flags[FLAG].on


def on(client: Client) -> bool:
    """Whether it knows that it was brought back."""
    return client.ruleset.flags[FLAG].on


def later(version: int) -> Callable[[Client], bool]:
    """Whether a client knows of a later version."""
    return lambda client: client.ruleset.version > version


def reached(folder: Path, found: list[Client], rounds: int) -> dict[str, list[float]]:
    """Change, kill and kill again while nothing can be written, and note when each client knew."""
    times: dict[str, list[float]] = {name: [] for name in GOALS}

    def switch_off() -> None:
        kill(FLAG, folder, "it burns")

    def bring_back() -> None:
        unkill(FLAG, folder, "mended")

    for turn in range(rounds):
        verb = Verb.RESUME if turn % 2 else Verb.PAUSE
        version = max(one.ruleset.version for one in found)
        times["a change"] += heard(found, later(version), lambda v=verb: move(v, KEY, asked(folder)))  # type: ignore[misc] # mypy knows no lambda's default
        times["a kill"] += heard(found, off, switch_off)
        heard(found, on, bring_back)
        with unwritable(folder):
            times["a kill, registry read-only"] += heard(found, off, switch_off)
        heard(found, on, bring_back)
    return times


def delivered(folder: Path, server: Running, many: int, rounds: int) -> list[str]:
    """Print how fast news reach many clients, and answer which goals do not hold."""
    with clients(folder, server, many) as found:
        times = reached(folder, found, rounds)
    print(f"| what, {many} clients, {rounds} rounds | p50 | p99 | last | goal |")
    print("|---|---|---|---|---|")
    short = []
    for what, goal in GOALS.items():
        each = sorted(times[what])
        last = each[int(len(each) * 0.99)]
        print(f"| {what} | {median(each):.2f} s | {last:.2f} s | {each[-1]:.2f} s | {goal:.0f} s |")
        if last > goal:
            short.append(f"{what}: {last:.2f} s of {goal:.0f}")
    return short


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


async def crowded(folder: Path, server: Running) -> None:
    """Open many streams at once, as after a restart, and kill a flag; print how long that takes."""
    async with ears(server, 20):
        before = resident(server.process.pid)
    since = monotonic()
    async with ears(server, CROWD) as found:
        opened = monotonic() - since
        each = (resident(server.process.pid) - before) / CROWD
        await asyncio.to_thread(kill, FLAG, folder, "it burns")
        since = monotonic()
        await until(lambda: all(one.events for one in found))
        times = sorted(one.last - since for one in found)
    await asyncio.to_thread(unkill, FLAG, folder, "mended")
    print(
        f"\n{CROWD:,} streams at once: open after {opened:.1f} s, {each / 1000:.1f} kB of memory each, "
        f"told of a kill after {times[int(CROWD * 0.99)]:.2f} s (p99)"
    )


def requests(server: Running, path: str) -> list[bytes]:
    """Write requests of many visitors."""
    ready = []
    for number in range(256):
        body = encode({"context": {"targetingKey": f"visitor-{number}", "country": "DE"}})
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {server.key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        ready.append(head.encode() + body)
    return ready


def evaluated(server: Running, seconds: float) -> list[str]:
    """Print how many requests a core answers, and answer which goals do not hold."""
    port, pid = int(server.url.rpartition(":")[2]), server.process.pid
    with suppress(AttributeError, OSError):
        os.sched_setaffinity(0, {1})
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {0})
    print("\n| OFREP | connections | requests/s of its core | requests/s | p50 | p99 | no success |")
    print("|---|---|---|---|---|---|---|")
    short = []
    for name, path in (("a flag", f"{PATH}/{FLAG}"), ("all flags", PATH)):
        ready = requests(server, path)
        load(port, ready, 1.0, FEW)
        for connections in (FEW, MANY):
            before = spent(pid)
            rate, half, last, amount, odd = load(port, ready, seconds, connections)
            core = amount / (spent(pid) - before)
            print(
                f"| {name} | {connections} | {core:,.0f} | {rate:,.0f} | {half * 1000:.1f} ms "
                f"| {last * 1000:.1f} ms | {odd} |",
                flush=True,
            )
            if odd or (name == "a flag" and core < ASKED):
                short.append(f"{name}, {connections} connections: {core:,.0f} of {ASKED:,}/s, {odd} failed")
    return short


def main(many: float = 100, rounds: float = 5, seconds: float = 4.0) -> int:
    """Measure all, print two tables, and answer whether the goals hold."""
    with tempfile.TemporaryDirectory(prefix="delivery-") as name:
        folder = begun(Path(name))
        with live(folder) as server:
            short = delivered(folder, server, int(many), int(rounds))
            asyncio.run(crowded(folder, server))
            short += evaluated(server, seconds)
    print("\n" + ("\n".join(short) or "every goal holds"))
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:])))
