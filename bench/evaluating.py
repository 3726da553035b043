"""What is asked: one experiment with two halves, plain and behind three conditions, of new units.

Shared by `bench/evaluate.py` and the small programs under `bench/peers/`, which run in environments of their
own and can import nothing but the standard library and the peer; so does this file.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable

__all__ = ["CASES", "COUNTRIES", "Ask", "attributes", "rounds", "told"]

Ask = Callable[[str, dict[str, object]], object]
"""Evaluates the experiment for a unit; the answer is thrown away but for its truth in the check."""

CASES = ("plain", "targeted")
COUNTRIES = ("DE", "AT", "CH")
"""The conditions: country in COUNTRIES and age >= 18 and plan = 'pro'; everybody meets them."""


def attributes() -> dict[str, object]:
    """Attributes of one unit, a new mapping every time."""
    return {"country": "DE", "age": 30, "plan": "pro", "device": "phone"}


def rounds(asks: dict[str, Ask], units: int, count: int, offset: int = 0) -> dict[str, list[float]]:
    """Ask every way in turns, each round of units that no way has seen.

    Args:
        asks: Ways, by name.
        units: How many, in one round of one way.
        count: Rounds.
        offset: Where the numbers of units begin, so that processes differ.

    Returns:
        CPU seconds per call, by way, one for each round.
    """
    took: dict[str, list[float]] = {way: [] for way in asks}
    for place in range(count):
        turn = list(asks) if place % 2 == 0 else list(reversed(asks))
        for way in turn:
            first = offset + (place * len(asks) + turn.index(way)) * units
            asked = [(f"user-{number}", attributes()) for number in range(first, first + units)]
            took[way].append(once(asks[way], asked) / units)
    return took


def once(ask: Ask, asked: list[tuple[str, dict[str, object]]]) -> float:
    """CPU seconds of one round, without those of the loop around it."""
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


def told(asks: dict[str, Ask], units: int, count: int, offset: int) -> None:
    """Run a peer's ways and print what they took, for `bench/evaluate.py` to read."""
    sys.stdout.write(json.dumps(rounds(asks, units, count, offset)))
