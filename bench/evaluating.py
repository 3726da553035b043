"""What is asked: an experiment with two halves, plain and behind three conditions, always of new units.

Shared by `bench/evaluate.py` and the programs under `bench/peers/`, which run in environments of their own
and can import nothing but the standard library and the peer; so does this file.

A program hands its ways to `served`. It answers one round after the other, each when the driver asks for it,
so that rounds of all programs take turns; between its rounds a program stands still.
"""

from __future__ import annotations

import gc
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable
from importlib import import_module

__all__ = ["AT_LEAST", "COUNTRIES", "LIMIT", "MARK", "PLAN", "SALT", "Ask", "served"]

Ask = Callable[[str, dict[str, object]], object]
"""Evaluates the experiment for a unit; the answer is thrown away but for its truth in the check."""

COUNTRIES = ("DE", "AT", "CH")
AT_LEAST = 18
PLAN = "pro"
"""The conditions: country in COUNTRIES and age >= AT_LEAST and plan = PLAN; everybody meets them."""

LIMIT = "bare sha256 and compare"
MARK = "served: "
"""Begins the lines that are answers."""
SALT = "variant:bench:1"


def attributes() -> dict[str, object]:
    """Attributes of one unit, a new mapping every time."""
    return {"country": "DE", "age": 30, "plan": "pro", "device": "phone"}


def limit() -> Ask:
    """Hash the salt and the unit, and compare: what no evaluation by SHA-256 can do without."""
    prefix, half = f"{SALT}:".encode(), bytes.fromhex("80000000")
    sha256 = hashlib.sha256
    for name in ("_sha2", "_sha256"):
        try:
            sha256 = import_module(name).sha256
            break
        except (ImportError, AttributeError):
            continue
    return lambda unit, _given: sha256(prefix + unit.encode()).digest() < half


def nothing() -> None:
    """Do nothing, between rounds."""


def split(asks: dict[str, Ask], names: Iterable[str], between: Callable[[], None]) -> None:
    """Stop unless each of these ways really deals about half of the units to each variant."""
    for name in names:
        served = 0
        for number in range(20_000):
            if number % 2_000 == 0:
                between()
            answer = asks[name](f"trial-{number}", attributes())
            served += bool(getattr(answer, "value", answer))
        share = served / 20_000
        if not 0.48 <= share <= 0.52:
            sys.exit(f"{name}: a share of {share:.3f} gets the second variant, not half of all units")


def once(ask: Ask, asked: list[tuple[str, dict[str, object]]]) -> float:
    """CPU seconds of the calling thread in one round, without those of the loop around it."""
    gc.collect()
    gc.disable()
    begun = time.thread_time()
    for _unit, _given in asked:
        pass
    empty = time.thread_time() - begun
    begun = time.thread_time()
    for unit, given in asked:
        ask(unit, given)
    taken = time.thread_time() - begun - empty
    gc.enable()
    return taken


def served(
    asks: dict[str, Ask],
    halves: Iterable[str],
    between: Callable[[], None] = nothing,
    again: dict[str, str] | None = None,
) -> None:
    """Check the ways, then answer rounds: `first unit, units` on a line in, CPU seconds per call by way out.

    Args:
        asks: Ways, by name; the limit is asked beside them.
        halves: The ways that must serve the second variant to half of the units.
        between: What to do before each way's turn, not counted.
        again: Ways that ask the units of the way named once more.
    """
    again = again or {}
    asks = {LIMIT: limit()} | asks
    split(asks, (LIMIT, *halves), between)
    print(f"{MARK}{json.dumps(list(asks))}", flush=True)
    for place, line in enumerate(sys.stdin):
        first, units = map(int, line.split())
        fresh = [way for way in asks if way not in again]
        took = {}
        for turn, way in enumerate(fresh if place % 2 == 0 else reversed(fresh)):
            start = first + turn * units
            for each in (way, *(later for later, before in again.items() if before == way)):
                asked = [(f"user-{number}", attributes()) for number in range(start, start + units)]
                between()
                took[each] = once(asks[each], asked) / units
        print(f"{MARK}{json.dumps(took)}", flush=True)
