"""Segment's `track`, sending switched off: the message is made and checked, and not queued."""

from __future__ import annotations

from bench.evaluating import served
from segment.analytics.client import Client


def main() -> None:
    """Serve the way."""
    track = Client("bench", host="http://127.0.0.1:9", send=False).track
    served({"segment, track": lambda unit, given: track(unit, "purchase", {**given, "value": 30.0})}, ())


if __name__ == "__main__":
    main()
