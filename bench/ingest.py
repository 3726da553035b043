"""How many events a second the intake makes durable on one core, beside what others do.

`python -m bench.ingest [SECONDS]`: the server has core 0, the load core 1; a 202 follows a durable commit.
Events a second of its core are counted by the processor time that the server used, so that the figure and the
ratios stand where other work shares the core; latencies do not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bench.ingest_load import Measured, load, requests

__all__ = ["main"]

SIZES = (100, 10, 1)
NAMES = ("ours", "bare", "fastapi")
GOALS = {100: 300_000, 10: 80_000, 1: 8_000}
"""Events a second of a core."""
TURNS = 10
"""In which the servers are loaded one after the other."""
MANY, FEW = 64, 16
"""Connections for the throughput, and for the latency."""
CROWD = 640
"""Connections of an overload, ten times as many, with batches of a thousand."""
ROOM = 512
"""MB that the server may take under overload."""
SLOWEST = 0.020
"""Seconds, the p99 at few connections."""


@contextmanager
def served(name: str) -> Iterator[tuple[int, str, int]]:
    """Start a server on core 0; its port, its key and its process."""
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        command = [sys.executable, "-m", "bench.ingest_servers", name, folder, "0"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None  # noqa: S101 - asked for one line above
            assert process.stdout is not None  # noqa: S101 - asked for two lines above
            try:
                port, key = process.stdout.readline().split()
                yield int(port), key, process.pid
            finally:
                process.stdin.close()
                process.wait()


def highest(pid: int) -> int:
    """The most memory that a process had, in MB."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return 0


def spent(pid: int) -> float:
    """Seconds of processor that a process has used; what else runs on the machine is not in it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shown(name: str, size: int, found: Measured, core: float, memory: int) -> str:
    """One line of the table."""
    rate, half, last, amount, odd = found
    return (
        f"| {name} | {size} | {core:,.0f} | {rate * size:,.0f} | {half * 1000:.2f} ms | {last * 1000:.2f} ms "
        f"| {amount:,} | {odd} | {memory} MB |"
    )


def compared(size: int, seconds: float) -> dict[str, float]:
    """Load the servers in turns, each while the others wait; events a second of a core by their names."""
    amounts = dict.fromkeys(NAMES, 0)
    used = dict.fromkeys(NAMES, 0.0)
    with ExitStack() as stack:
        running = {name: stack.enter_context(served(name)) for name in NAMES}
        for turn in range(TURNS):
            for name, (port, key, pid) in running.items():
                before = spent(pid)
                found = load(port, requests(size, key), seconds / TURNS, MANY)
                used[name] += spent(pid) - before
                amounts[name] += found[3]
                if turn == TURNS - 1:
                    rate = amounts[name] * size / used[name]
                    print(shown(name, size, found, rate, highest(pid)), flush=True)
    return {name: amounts[name] * size / used[name] for name in NAMES}


def main(seconds: float = 10.0) -> int:
    """Measure all, print a table, and answer whether the goals hold."""
    with suppress(AttributeError, OSError):
        os.sched_setaffinity(0, {1})
    print("| server | batch | events/s of its core | events/s | p50 | p99 | answers | not 202 | RSS |")
    print("|---|---|---|---|---|---|---|---|---|")
    short = []
    for size in SIZES:
        rates = compared(size, seconds)
        with served("ours") as (port, key, pid):
            before = spent(pid)
            found = load(port, requests(size, key), seconds, FEW)
            core = found[3] * size / (spent(pid) - before)
            print(shown(f"ours, {FEW} connections", size, found, core, highest(pid)), flush=True)
        if found[2] > SLOWEST:
            short.append(f"p99 of batches of {size}: {found[2] * 1000:.1f} ms of {SLOWEST * 1000:.0f}")
        if rates["ours"] < GOALS[size]:
            short.append(f"batches of {size}: {rates['ours']:,.0f} of {GOALS[size]:,} events/s")
        for name, least in (("bare", 0.7), ("fastapi", 2.0)):
            ratio = rates["ours"] / rates[name]
            print(f"\nbatches of {size}: {ratio:.2f} of {name} (at least {least})\n")
            if ratio < least:
                short.append(f"batches of {size}: {ratio:.2f} of {name}, at least {least}")
    with served("ours") as (port, key, pid):
        found = load(port, requests(1_000, key, 8), seconds, CROWD)
        memory = highest(pid)
        print(shown(f"ours, {CROWD} connections", 1_000, found, 0.0, memory), flush=True)
    if memory > ROOM:
        short.append(f"memory under overload: {memory} MB of {ROOM}")
    print("\n".join(short) or "every goal holds")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:])))
