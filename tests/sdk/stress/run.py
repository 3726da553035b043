"""R22: a client in threads, tasks and forked children, with a server that has bad moments: `make stress`.

Answers are held against those that are due, and what arrived against what was sent. `--minutes N` says how
long; half of it under gevent, where `bench/peers/gevent` has been made.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from splitrun.sdk.event import Exposure
from tests.sdk.server import Server, serving
from tests.sdk.shop import document

__all__ = ["Told", "stressed"]

ROOT = Path(__file__).parents[2].parent
PRODUCT = Path(__file__).with_name("product.py")
GEVENT = ROOT / "bench" / "peers" / "gevent" / "bin" / "python"

Mood = Callable[[], tuple[int, dict[str, str], bytes]] | None
MOODS: tuple[Mood, ...] = (
    *([None] * 6),
    lambda: (503, {"Retry-After": "1"}, b""),
    lambda: (200, {}, b"<!DOCTYPE html>sign in"),
    lambda: (202, {}, b'{"accepted": 0}'),
    lambda: (429, {}, b"{"),
)


@dataclass
class Arrived:
    """What came to the server: ids by process, and what should not have come."""

    ids: set[bytes] = field(default_factory=set)
    again: int = 0
    exposed: set[tuple[str, ...]] = field(default_factory=set)
    exposed_twice: list[str] = field(default_factory=list)

    def read(self, server: Server) -> None:
        """Take what has come since."""
        while server.batches:
            for event in server.batches.pop(0).events:
                name = bytes.fromhex(event.id)
                if name in self.ids:
                    self.again += 1
                    continue
                self.ids.add(name)
                # who withdraws is told without a name, and is exposed again after allowing it again
                if isinstance(event, Exposure) and not event.unit.id.startswith(("-", "pending-")):
                    whose = (event.id[:16], event.unit.id, event.experiment, str(event.trigger))
                    if whose in self.exposed:
                        self.exposed_twice.append(":".join(whose))
                    self.exposed.add(whose)
        del server.events[:], server.seen[:]


@dataclass(frozen=True)
class Told:
    """What became of it."""

    processes: tuple[Mapping[str, Any], ...]
    arrived: Arrived
    stderr: str
    code: int

    def total(self, name: str) -> int:
        """Sum a count over all processes."""
        return sum(one.get(name, 0) for one in self.processes)

    def faults(self) -> list[str]:
        """Name everything that is not as it should be."""
        found = [f"{one['kind']}: {one}" for one in self.processes if one.get("wrong") or one.get("blunders")]
        found += [one["kind"] for one in self.processes if one["kind"].startswith("hung") or one.get("hung")]
        for one in self.processes:
            places = ("sent", "queued", "held_back", "dropped", "rejected", "forgotten")
            kept = sum(one.get(name, 0) for name in places)
            if one.get("made", 0) != kept:
                found.append(f"{one['kind']}: what was made is not what was sent, kept or counted: {one}")
        if not self.total("sent") <= len(self.arrived.ids) <= self.total("made"):
            found.append(f"{len(self.arrived.ids)} events arrived and {self.total('sent')} were sent")
        found += [f"exposed twice: {one}" for one in self.arrived.exposed_twice[:3]]
        found += [f"left with {self.code}"] * bool(self.code)
        # that losses are told is as it should be; that they are counted, too, has been looked at
        said = [line for line in self.stderr.splitlines() if "events were lost since" not in line]
        return found + said

    def __str__(self) -> str:
        kinds = [one["kind"] for one in self.processes]
        asked, made, sent = (self.total(name) for name in ("asked", "made", "sent"))
        (own,) = (one for one in self.processes if one["kind"] == "threads")
        return (
            f"{kinds.count('child'):,} forks, {asked:,} answers and records, {made:,} events made, "
            f"{sent:,} sent, {len(self.arrived.ids):,} arrived ({self.arrived.again:,} of them again), "
            f"{self.total('dropped'):,} dropped, {self.total('retried'):,} retries; "
            f"memory grew by {own['grown'] / 1e6:.1f} MB; faults: {len(self.faults())}"
        )


@contextmanager
def moody(server: Server, arrived: Arrived) -> Iterator[None]:
    """Let a server have bad moments, and publish something new now and then, until the block ends."""
    ended = threading.Event()
    dice = random.Random(20260101)  # noqa: S311 - no secret is drawn

    def live() -> None:
        version = 1
        while not ended.wait(0.3):
            server.intake, server.ruleset = dice.choice(MOODS), dice.choice(MOODS)
            server.delay = dice.choice((0.0, 0.0, 0.0, 0.05))
            if dice.random() < 0.2:
                version += 1
                server.publish(document(version))
            arrived.read(server)

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def stressed(seconds: float, words: tuple[str, ...] = (sys.executable,)) -> Told:
    """Put a product under stress, in a process of its own.

    Args:
        seconds: How long it works; then it sends what is left.
        words: The interpreter, and what stands before the program.
    """
    arrived = Arrived()
    paths = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    with serving() as server:
        server.push = True
        server.publish(document(1))
        product = subprocess.Popen(
            [*words, str(PRODUCT), server.url, str(seconds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": paths},
        )
        with moody(server, arrived):
            time.sleep(seconds)
        server.intake = server.ruleset = None
        server.delay = 0.0
        out, err = product.communicate(timeout=180)
        arrived.read(server)
    return Told(tuple(json.loads(line) for line in out.splitlines()), arrived, err, product.returncode)


def main() -> int:
    """Run for as long as is said, and tell what became of it."""
    words = argparse.ArgumentParser(description="Stress a client in threads, tasks and forks (R22).")
    words.add_argument("--minutes", type=float, default=10.0, help="how long; 10 unless said")
    seconds = words.parse_args().minutes * 60
    kinds: dict[str, tuple[str, ...]] = {"threads, asyncio and forks": (sys.executable,)}
    if GEVENT.exists():
        kinds["gevent"] = (str(GEVENT), "-m", "gevent.monkey")
    else:
        sys.stdout.write("gevent is left out: make bench/peers/gevent with `make peers`\n")
    faults: list[str] = []
    for kind, interpreter in kinds.items():
        told = stressed(seconds / len(kinds), interpreter)
        sys.stdout.write(f"{kind}, {seconds / len(kinds):.0f} s: {told}\n")
        faults += told.faults()
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
