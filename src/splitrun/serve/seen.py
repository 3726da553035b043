"""What requests there were: by route and status, and how long they took; written down where wanted."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TextIO

from msgspec.json import encode

__all__ = ["BOUNDS", "Seen"]

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)
"""Seconds; upper ends of the histogram's steps."""


@dataclass(slots=True)
class Seen:
    """Counts requests; asked from one thread."""

    answered: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """By method, route and status."""
    steps: dict[str, list[int]] = field(default_factory=dict)
    """By route: how many took no longer than each bound, and how many longer."""
    seconds: dict[str, float] = field(default_factory=dict)
    """By route: their sum."""
    log: TextIO | None = None
    """Where each request is written as a line of JSON: route, status, time, size; no id, key or body."""

    def note(self, method: str, route: str, status: int, seconds: float, size: int) -> None:
        """Count a request that was answered."""
        self.answered[method, route, status] += 1
        steps = self.steps.get(route)
        if steps is None:
            steps = self.steps[route] = [0] * (len(BOUNDS) + 1)
        steps[bisect_left(BOUNDS, seconds)] += 1
        self.seconds[route] = self.seconds.get(route, 0.0) + seconds
        if self.log is not None:
            line = {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "method": method,
                "route": route,
                "status": status,
                "ms": round(seconds * 1000, 3),
                "bytes": size,
            }
            self.log.write(encode(line).decode() + "\n")
