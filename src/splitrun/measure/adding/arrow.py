"""Columns of Arrow as arrays, without a copy; Arrow's own `to_numpy` imports all of pandas first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["there", "values"]


def values(held: pa.Array[Any], kind: type[Any]) -> npt.NDArray[Any]:
    """The numbers of a column, of the kind it is held in; where there is none anything may stand."""
    found: Any = held.buffers()[1]
    array: npt.NDArray[Any] = np.zeros(0, dtype=kind) if found is None else np.frombuffer(found, kind)
    return array[held.offset : held.offset + len(held)]


def there(held: pa.Array[Any]) -> npt.NDArray[np.uint8]:
    """1 where a column that has nulls has a value, else 0."""
    found: Any = held.buffers()[0]
    bits: npt.NDArray[np.uint8] = np.unpackbits(np.frombuffer(found, np.uint8), bitorder="little")
    return bits[held.offset : held.offset + len(held)]
