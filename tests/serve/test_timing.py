"""How long a key is refused tells nothing of a key that is good."""

from __future__ import annotations

import os
import random
import socket
from time import perf_counter_ns
from urllib.parse import urlsplit

from scipy.stats import median_test

from tests.serve.live import Served

SAMPLES = 10_000 if os.environ.get("SPLITRUN_SOAK") else 1_500
ROUNDS = 3
"""A difference that is there is there in each; one of chance is in one of a thousand."""


def wrong(key: str) -> dict[str, str]:
    """Keys that are refused, by how much of a good one they have."""
    mark, name, secret = key.split("_", 2)
    other = "".join("A" if one != "A" else "B" for one in secret)
    return {
        "nothing": f"{mark}_{'0' * len(name)}_{other}",
        "its id": f"{mark}_{name}_{other}",
        "half": f"{mark}_{name}_{secret[:20]}{other[20:]}",
        "all but one": f"{mark}_{name}_{secret[:-1]}{other[-1]}",
    }


def measured(served: Served, keys: dict[str, str]) -> dict[str, list[int]]:
    """Nanoseconds until each key is refused, asked in a random order over one connection."""
    turns = [name for name in keys for _ in range(SAMPLES)]
    random.Random(1).shuffle(turns)  # noqa: S311 - an order, no secret
    asking = {
        name: f"GET /v1/ruleset HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
        for name, key in keys.items()
    }
    found: dict[str, list[int]] = {name: [] for name in keys}
    where = urlsplit(served.url)
    with socket.create_connection((str(where.hostname), where.port or 80), timeout=30) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for name in turns:
            since = perf_counter_ns()
            wire.sendall(asking[name])
            told = wire.recv(65_536)
            found[name].append(perf_counter_ns() - since)
            assert told.startswith(b"HTTP/1.1 401")
            while not told.endswith(b"}"):
                told += wire.recv(65_536)
    return found


def apart(found: dict[str, list[int]]) -> list[str]:
    """Kinds of keys whose refusal takes another time than that of a key with nothing right."""
    first = found["nothing"]
    return [name for name, times in found.items() if times is not first and differs(first, times)]


def differs(one: list[int], other: list[int]) -> bool:
    return float(median_test(one, other).pvalue) < 0.001


def test_a_refusal_takes_as_long_however_much_of_a_key_is_right(served: Served) -> None:
    keys = wrong(served.key)

    always = set(keys)
    for _ in range(ROUNDS):
        always &= {*apart(measured(served, keys))}
        if not always:
            break

    assert not always


def test_a_comparison_that_stops_early_would_be_noticed() -> None:
    secret = "s" * 10_000

    def refused(sent: str) -> int:
        since = perf_counter_ns()
        for one, two in zip(secret, sent, strict=True):
            if one != two:
                break
        return perf_counter_ns() - since

    times = {
        "nothing": [refused("x" * 10_000) for _ in range(200)],
        "half": [refused("s" * 5_000 + "x" * 5_000) for _ in range(200)],
    }

    assert apart(times) == ["half"]
