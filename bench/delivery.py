"""How fast a change and a kill reach connected clients, and how many flags a second a core evaluates over HTTP.

`python -m bench.delivery [CLIENTS] [ROUNDS]`: a server as `splitrun serve` starts it over a small project, with
real clients that listen (SSE) in this process; then OFREP, one flag a request, the server on core 0.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from statistics import median

from bench.ingest import spent
from bench.ingest_load import load
from msgspec.json import encode
from tests.serve.crowd import clients, heard
from tests.serve.live import Running, begun, live
from tests.serve.test_kills import unwritable

from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.serving.kills import kill, unkill
from splitrun.govern.lifecycle.table import Verb
from tests.conduct.lifecycle.shop import KEY, asked

__all__ = ["main"]


def ruleset_changes(folder: Path, server: Running, many: int, rounds: int) -> None:
    """Have many clients hear of changes and kills, and print how long that took."""
    changes: list[float] = []
    kills: list[float] = []
    blind: list[float] = []
    with clients(folder, server, many) as found:
        for turn in range(rounds):
            verb = Verb.RESUME if turn % 2 else Verb.PAUSE
            version = found[0].ruleset.version
            changes += heard(
                found,
                lambda one, v=version: one.ruleset.version > v,
                lambda v=verb: move(v, KEY, asked(folder)),
            )
            kills += heard(
                found,
                lambda one: not one.ruleset.flags["checkout"].on,
                lambda: kill("checkout", folder, "it burns"),
            )
            heard(
                found,
                lambda one: one.ruleset.flags["checkout"].on,
                lambda: unkill("checkout", folder, "mended"),
            )
            with unwritable(folder):
                blind += heard(
                    found,
                    lambda one: not one.ruleset.flags["checkout"].on,
                    lambda: kill("checkout", folder, "it burns"),
                )
            heard(
                found,
                lambda one: one.ruleset.flags["checkout"].on,
                lambda: unkill("checkout", folder, "mended"),
            )
    print(f"| what, {many} clients, {rounds} rounds | p50 | p99 | goal |")
    print("|---|---|---|---|")
    for what, times, goal in (
        ("a change", changes, 1.0),
        ("a kill", kills, 2.0),
        ("a kill, registry read-only", blind, 2.0),
    ):
        last = sorted(times)[int(len(times) * 0.99)]
        print(f"| {what} | {median(times):.2f} s | {last:.2f} s | {goal:.0f} s |")


def evaluations(server: Running, connections: int, seconds: float) -> None:
    """Ask one flag a request, and print how many the server answered."""
    ready = []
    for number in range(64):
        body = encode({"context": {"targetingKey": f"visitor-{number}", "country": "DE"}})
        head = (
            "POST /ofrep/v1/evaluate/flags/checkout HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nAuthorization: Bearer {server.key}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        ready.append(head.encode() + body)
    port, pid = int(server.url.rpartition(":")[2]), server.process.pid
    with suppress(AttributeError, OSError):
        os.sched_setaffinity(0, {1})
        os.sched_setaffinity(pid, {0})
    load(port, ready, connections, 1.0)
    before = spent(pid)
    rate, half, last, amount, _ = load(port, ready, connections, seconds)
    core = amount / (spent(pid) - before)
    print(
        f"| OFREP, {connections} connections | {core:,.0f}/s of its core | {rate:,.0f}/s | {half * 1000:.1f} ms "
        f"| {last * 1000:.1f} ms |"
    )


def main(many: int = 100, rounds: int = 5) -> int:
    """Measure all."""
    with tempfile.TemporaryDirectory(prefix="delivery-") as name:
        folder = begun(Path(name))
        with live(folder) as server:
            ruleset_changes(folder, server, many, rounds)
            for connections in (16, 64):
                evaluations(server, connections, 4.0)
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
