"""Clients that write down what a server answered for, and the lake held against what they wrote."""

from __future__ import annotations

import http.client
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread
from time import monotonic

from deltalake import DeltaTable
from msgspec.json import encode
from pyarrow import parquet

from splitrun.sdk.event import Batch, Event, Unit

__all__ = ["Ledger", "body_of", "clients", "kept", "post"]

FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


def body_of(client: int, first: int, size: int) -> bytes:
    """Write a batch: events `first` to `first + size - 1` of a client."""
    now = datetime.now(UTC).strftime(FORM)
    events = [
        Event(f"{client:016x}{n:016x}", now, Unit("user", f"u{n % 997}"), "purchase", float(n % 7))
        for n in range(first, first + size)
    ]
    return encode(Batch(now, "splitrun-python/0.1.0", list(events)))


def post(connection: http.client.HTTPConnection, key: str, body: bytes) -> tuple[int, str | None]:
    """Send a batch once; status and Retry-After."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/events", body, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.headers.get("Retry-After")


@dataclass
class Ledger:
    """What clients were told."""

    size: int
    acknowledged: set[tuple[int, int]] = field(default_factory=set)
    """Client and first event of batches that were answered by 202."""
    again: int = 0
    """Tries after the first."""
    statuses: Counter[int] = field(default_factory=Counter)
    unexplained: int = 0
    """Refusals without Retry-After."""
    slowest: float = 0.0
    """Seconds until a refusal, at most."""
    lock: Lock = field(default_factory=Lock)

    def ids(self) -> set[str]:
        """Ids of events that were answered for."""
        return {
            f"{client:016x}{n:016x}"
            for client, first in self.acknowledged
            for n in range(first, first + self.size)
        }

    def send(self, client: int, port: int, key: str, enough: Flag, pause: float = 0.02) -> None:
        """Send batch after batch until there is enough; each again and again until it is answered for."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        first = 0
        while not enough.is_set():
            body = body_of(client, first, self.size)
            tries = 0
            while True:
                tries += 1
                since = monotonic()
                try:
                    status, after = post(connection, key, body)
                except (OSError, http.client.HTTPException):
                    connection.close()
                    status, after = 0, ""
                with self.lock:
                    self.statuses[status] += 1
                    if status in {429, 503, 507}:
                        self.unexplained += not after
                        self.slowest = max(self.slowest, monotonic() - since)
                if status == 202:
                    break
                Flag().wait(pause)
            with self.lock:
                self.acknowledged.add((client, first))
                self.again += tries - 1
            first += self.size
        connection.close()


def clients(ledger: Ledger, number: int, port: int, key: str, enough: Flag) -> list[Thread]:
    """Start clients."""
    made = [
        Thread(target=ledger.send, args=(n, port, key, enough), daemon=True) for n in range(1, number + 1)
    ]
    for one in made:
        one.start()
    return made


def kept(root: Path, project: str = "shop") -> Counter[str]:
    """Count the ids of the events in the lake, through nothing but its log and pyarrow."""
    table = DeltaTable(str(root / "state" / "lake" / project / "production" / "events"))
    found: Counter[str] = Counter()
    for file in table.file_uris():
        found.update(
            map(str, parquet.read_table(file, columns=["event_id"], partitioning=None)[0].to_pylist())
        )
    return found
