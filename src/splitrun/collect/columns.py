"""The columns that every row has, gathered batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec.json import encode

from splitrun.collect.accepted import Batch

__all__ = ["MOMENT", "Lists", "micros", "sent"]

MOMENT = pa.timestamp("us", tz="UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Events = list[Any]
"""Of one kind each; which, the caller knows."""


class Lists:
    """Rows of one kind, as lists that grow batch by batch.

    Args:
        raw_ids: Whether the id itself is kept beside its pseudonym.
    """

    def __init__(self, raw_ids: bool) -> None:  # noqa: FBT001  # a setting of the project, handed on
        self.raw_ids = raw_ids
        self.events: Events = []
        self.keys: list[int] = []
        self.batches: list[int] = []
        self.places: list[int] = []
        self.counts: list[int] = []
        self.stamps: list[tuple[int, int, str]] = []
        """Of each batch: when it was received, by how much its times are moved (µs), its SDK."""

    def take(
        self,
        batch: Batch,
        events: Events,
        places: list[int],
        stamp: tuple[int, int],
        key_of: Callable[[str, str], int],
    ) -> None:
        """Add events of one batch.

        Args:
            batch: Where they are from.
            events: All of this kind.
            places: Of each in the batch.
            stamp: Index of the batch, and by how many microseconds its times are moved.
            key_of: Gives pseudonyms.
        """
        index, shift = stamp
        self.events += events
        self.keys += [key_of(one.unit.type, one.unit.id) for one in events]
        self.batches += [index] * len(events)
        self.places += places
        self.counts.append(len(events))
        self.stamps.append((batch.at // 1000, shift, batch.sdk))

    def common(self, epoch: int, *, release: bool) -> dict[str, pa.Array[pa.Scalar[pa.DataType]]]:
        """Lay out the columns that every row has, but `date` and `sequence`."""
        of, counts = self.events, np.array(self.counts, np.int64)
        received = np.repeat(np.array([at for at, _, _ in self.stamps], np.int64), counts)
        shift = np.repeat(np.array([by for _, by, _ in self.stamps], np.int64), counts)
        sdks = np.repeat(np.arange(len(self.stamps)), counts)
        names = pa.array([sdk for _, _, sdk in self.stamps], pa.string())
        raw = {"unit": pa.array([one.unit.id for one in of], pa.string())} if self.raw_ids else {}
        return {
            "unit_key": pa.array(self.keys, pa.int64()),
            "unit_type": pa.array([one.unit.type for one in of], pa.string()),
            "epoch": pa.array(np.full(len(of), epoch, np.int16)),
            "time": pa.array(moments([one.time for one in of]) + shift).cast(MOMENT),
            "received": pa.array(received).cast(MOMENT),
            "event_id": pa.array([one.id for one in of], pa.string()),
            "release": pa.array(
                [one.release or None for one in of] if release else [None] * len(of), pa.string()
            ),
            "sdk": names.take(sdks),
            **raw,
        }

    def beside(
        self, others: Mapping[int, Callable[[str, str], int]]
    ) -> dict[str, pa.Array[pa.Scalar[pa.DataType]]]:
        """Lay out the pseudonyms of other epochs, by column.

        Args:
            others: By epoch, what gives them.
        """
        return {
            f"unit_key_{epoch}": pa.array(
                [key_of(one.unit.type, one.unit.id) for one in self.events], pa.int64()
            )
            for epoch, key_of in others.items()
        }

    def objects(self, values: Sequence[dict[str, object]]) -> pa.Array[pa.StringScalar]:
        """Write objects as JSON; empty ones are null."""
        return pa.array([encode(one).decode() if one else None for one in values], pa.string())


def moments(texts: list[str]) -> npt.NDArray[np.int64]:
    """Read moments as microseconds since 1970; quick where all are written as the SDK writes them."""
    try:
        return np.asarray(pc.cast(pa.array(texts, pa.string()), MOMENT).cast(pa.int64()).to_numpy())
    except pa.ArrowInvalid:
        return np.array([sent(text) for text in texts], np.int64)


def sent(text: str) -> int:
    """Read one moment as microseconds since 1970."""
    since = datetime.fromisoformat(text) - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def micros(column: pa.ChunkedArray[pa.TimestampScalar]) -> npt.NDArray[np.int64]:
    """Give moments as microseconds since 1970."""
    return np.asarray(column.cast(pa.int64()).to_numpy())
