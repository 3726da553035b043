"""A product under stress: threads, tasks of asyncio and forked children ask and record at the same time.

Run by `tests.sdk.stress.run`, also under `python -m gevent.monkey`; it needs nothing but the client. Prints
what became of each process as a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import signal
import sys
import threading
import time
from pathlib import Path

from splitrun.assign.evaluator import Evaluator
from splitrun.sdk.asynchronous import AsyncClient
from splitrun.sdk.client import Client
from splitrun.sdk.status import Status
from splitrun.sdk.surface import Surface
from tests.sdk.shop import shop

THREADS, TASKS, UNITS = 64, 50, 2_000
HUNG = 60.0
"""Seconds after which a child or thread is taken for hung."""
GEVENT = "gevent" in sys.modules
EVALUATOR = Evaluator(shop())
DUE = {
    unit: (
        EVALUATOR.evaluate("checkout", unit, {}).variant,
        EVALUATOR.evaluate("billing", unit, {"account_id": unit}).value,
        EVALUATOR.parameters("list", unit, {}).values["rows"],
    )
    for unit in (f"u{number}" for number in range(UNITS))
}
NAMES = tuple(DUE)


class Worker:
    """Asks and records, one thing at a time, and holds every answer against the one that is due."""

    def __init__(self, client: Surface, seed: int) -> None:
        self.client, self.dice = client, random.Random(seed)  # noqa: S311 - no secret is drawn
        self.asked = 0
        self.wrong: list[str] = []

    def act(self) -> None:
        """Do one thing."""
        client, dice = self.client, self.dice
        unit = dice.choice(NAMES)
        variant, billing, rows = DUE[unit]
        self.asked += 1
        match dice.randrange(10):
            case 0 | 1 | 2:
                self.held(unit, client.variant("checkout", unit, country="DE"), variant)
            case 3:
                self.held(unit, client.value("billing", unit, default=not billing, account_id=unit), billing)
            case 4:
                self.held(unit, client.parameters("list", unit).get("rows"), rows)
            case 5:
                client.trigger("checkout", unit)
            case 6:
                client.alias(f"cookie-{unit}", unit)
            case 7:
                other = f"pending-{dice.randrange(50)}"
                client.variant("checkout", other, consent="pending")
                client.consent(other, dice.choice(("granted", "denied", "pending")))
            case _:
                client.track("view", unit, dice.random(), text="x" * dice.choice((0, 10, 1_000)))

    def held(self, unit: str, found: object, due: object) -> None:
        """Hold an answer against the one that is due."""
        if found != due:
            self.wrong.append(f"{unit}: {found!r} instead of {due!r}")


def told(client: Surface, workers: list[Worker], kind: str) -> dict[str, object]:
    """Tell what became of a client."""
    counts = client.statistics
    return {
        "kind": kind,
        "asked": sum(worker.asked for worker in workers),
        "wrong": [text for worker in workers for text in worker.wrong][:3],
        "trouble": client.trouble if counts.blunders else "",
        **{name: getattr(counts, name) for name in counts.__struct_fields__},
    }


def emptied(client: Client, seconds: float) -> None:
    """Flush until nothing is left; a server that has a bad moment gets another."""
    until = time.monotonic() + seconds
    while not client.flush(5.0) and time.monotonic() < until:
        time.sleep(0.1)


def child(client: Client, seed: int, out: int) -> None:
    """Live for a moment on what the parent made, and tell what became of it."""
    workers = [Worker(client, seed + number) for number in range(3)]

    def work(worker: Worker) -> None:
        for _ in range(10):
            worker.act()
            time.sleep(0.005)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers[1:]]
    for thread in threads:
        thread.start()
    work(workers[0])
    for thread in threads:
        thread.join()
    emptied(client, 20.0)
    os.write(out, json.dumps(told(client, workers, "child")).encode() + b"\n")


def forked(client: Client, seed: int) -> str:
    """Fork, and wait for the child: what it said, or that it hung."""
    inlet, outlet = os.pipe()
    number = os.fork()
    if not number:
        code = 1
        try:
            child(client, seed, outlet)
            code = 0
        finally:
            os._exit(code)
    os.close(outlet)
    until = time.monotonic() + HUNG
    while not (done := os.waitpid(number, os.WNOHANG))[0]:
        if time.monotonic() > until:
            os.kill(number, signal.SIGKILL)
            os.waitpid(number, 0)
            break
        time.sleep(0.01)
    with os.fdopen(inlet) as said:
        line = said.read()
    return line if done[0] and not done[1] else '{"kind": "hung child"}'


async def looped(url: str, seconds: float) -> dict[str, object]:
    """Do the same in tasks of asyncio; the loop is never kept waiting long."""
    async with AsyncClient(url, interval=0.1) as client:
        while client.status is Status.NOT_READY:  # noqa: ASYNC110 - a client has no event of asyncio
            await asyncio.sleep(0.05)
        workers = [Worker(client, 10_000 + number) for number in range(TASKS)]
        until = time.monotonic() + seconds
        late = 0.0

        async def work(worker: Worker) -> None:
            nonlocal late
            while time.monotonic() < until:
                began = time.monotonic()
                worker.act()
                late = max(late, time.monotonic() - began)
                await asyncio.sleep(0.1)

        await asyncio.gather(*map(work, workers))
        for _ in range(10):
            if await client.flush(5.0):
                break
            await asyncio.sleep(0.5)
        return {**told(client, workers, "asyncio"), "slowest": late}


def memory() -> int:
    """Bytes that are resident now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main(url: str, seconds: float) -> None:
    """Put one client under stress."""
    client = Client(url, interval=0.1, wait=5.0)
    while client.status is Status.NOT_READY:  # the code's defaults are right until then
        time.sleep(0.05)
    until = time.monotonic() + seconds
    workers = [Worker(client, number) for number in range(THREADS)]

    def work(worker: Worker) -> None:
        while time.monotonic() < until:
            worker.act()
            time.sleep(0.1)

    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in workers]
    said: list[str] = []
    if not GEVENT:  # which has a loop of its own
        threads.append(
            threading.Thread(
                target=lambda: said.append(json.dumps(asyncio.run(looped(url, seconds)))), daemon=True
            )
        )
    for thread in threads:
        thread.start()
    time.sleep(seconds / 4)
    before = memory()
    seed = 1_000_000
    while time.monotonic() < until:
        seed += 10
        # under gevent the parent's greenlets, the client's own among them, would live on in the child
        if GEVENT:
            time.sleep(0.1)
        else:
            said.append(forked(client, seed))
    for thread in threads:
        thread.join(HUNG)
    hung = sum(thread.is_alive() for thread in threads)
    emptied(client, 30.0)
    own = {**told(client, workers, "threads"), "hung": hung, "grown": memory() - before}
    client.close()
    for line in (*said, json.dumps(own)):
        sys.stdout.write(line.strip() + "\n")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
