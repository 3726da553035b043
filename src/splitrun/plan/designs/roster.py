"""The population as designs see it: ids, and columns known beforehand, in the order of the ids."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splitrun.assign.slots import id_bytes
from splitrun.errors import DataError
from splitrun.plan.designs.dice import Whole

__all__ = ["MISSING", "Labels", "Numbers", "Roster", "labels", "numbers", "roster"]

MISSING = "(missing)"
"""How a missing value is told of where it is a level of its own."""
SHOWN = 3
"""How many ids a message names."""


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """A numeric column."""

    values: NDArray[np.float64]
    """Shape (units,); 0 where it is not known, to be read with `known` only."""
    known: NDArray[np.bool_]
    """Shape (units,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """A column of labels."""

    levels: tuple[str, ...]
    code: Whole
    """Places among the levels, shape (units,)."""
    gaps: bool = False
    """Whether the last level stands for what is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Roster:
    """A population. All arrays are in the order of the ids by their UTF-8 bytes."""

    units: tuple[str, ...]
    places: Whole
    """Where each unit stood in the frame, shape (units,)."""
    labels: Mapping[str, Labels]
    numbers: Mapping[str, Numbers]
    digest: str
    """`sha256:` over ids and columns used, in this order; shuffled rows have the same."""


def labels(cells: Sequence[str | None]) -> Labels:
    """Take texts as labels, in the order of their text; missing last."""
    there = sorted({cell for cell in cells if cell is not None})
    gaps = None in cells
    levels = (*there, *([MISSING] if gaps else []))
    place: dict[str | None, int] = {level: index for index, level in enumerate(there)}
    place[None] = len(there)
    return Labels(levels, np.fromiter((place[cell] for cell in cells), np.int64, len(cells)), gaps)


def numbers(name: str, cells: Sequence[float | None]) -> Numbers:
    """Take numbers; NaN is a missing one.

    Raises:
        DataError: One is infinite.
    """
    raw = np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    if np.isinf(raw).any():
        place = int(np.flatnonzero(np.isinf(raw))[0])
        raise DataError(
            f"the column {name!r} holds {raw[place]} in row {place + 1}; "
            "a mean over it is none: write a number, or leave the cell empty"
        )
    known = ~np.isnan(raw)
    return Numbers(np.where(known, raw, 0.0), known)


def roster(
    ids: Sequence[str | None],
    texts: Mapping[str, Sequence[str | None]],
    figures: Mapping[str, Sequence[float | None]],
) -> Roster:
    """Take a population in the order of its ids.

    Args:
        ids: The units' ids, in the order of the frame.
        texts: Columns taken as labels.
        figures: Columns taken as numbers.

    Raises:
        DataError: An id is empty, stands for a missing one or comes twice, or a number is infinite.
    """
    units = whole_ids(ids)
    order = sorted(range(len(units)), key=units.__getitem__)
    # code points sort as UTF-8 bytes do
    named = {name: [cells[place] for place in order] for name, cells in texts.items()}
    counted = {name: [cells[place] for place in order] for name, cells in figures.items()}
    taken = {name: numbers(name, cells) for name, cells in counted.items()}
    ordered = tuple(units[place] for place in order)
    return Roster(
        units=ordered,
        places=np.array(order, dtype=np.int64),
        labels={name: labels(cells) for name, cells in named.items()},
        numbers=taken,
        digest=digest(ordered, named, taken),
    )


def whole_ids(ids: Sequence[str | None]) -> list[str]:
    """Refuse ids that name no unit, or one twice.

    Raises:
        DataError: With the first of them and their rows.
    """
    units: list[str] = []
    for row, each in enumerate(ids, start=1):
        if not each:
            raise DataError(f"row {row} has no id; fill it in, or write `unit: row` where rows are the units")
        try:
            id_bytes(each)
        except DataError as error:
            raise DataError(f"row {row}: {error}") from None
        units.append(each)
    if not units:
        raise DataError("the frame has no rows, so there is nobody to assign; name one with its units")
    if len(set(units)) < len(units):
        twice = [unit for unit, count in Counter(units).items() if count > 1]
        listed = ", ".join(repr(unit[:40]) for unit in twice[:SHOWN])
        more = ", …" if len(twice) > SHOWN else ""
        raise DataError(
            f"{len(twice):,} of {len(set(units)):,} units stand in more than one row ({listed}{more}); "
            "keep one row for each unit, or name their column as the cluster and a finer one as the unit"
        )
    return units


def digest(
    units: Sequence[str], texts: Mapping[str, Sequence[str | None]], figures: Mapping[str, Numbers]
) -> str:
    """The SHA-256 of ids and columns, row by row as JSON, columns in the order of their names."""
    columns: list[Sequence[object]] = [units]
    for name in sorted({*texts, *figures}):
        if name in texts:
            columns.append(texts[name])
        else:
            one = figures[name]
            columns.append(
                [
                    value if known else None
                    for value, known in zip(one.values.tolist(), one.known, strict=True)
                ]
            )
    hashed = hashlib.sha256(json.dumps(sorted({*texts, *figures})).encode())
    for row in zip(*columns, strict=True):
        hashed.update(json.dumps(row).encode() + b"\n")
    return f"sha256:{hashed.hexdigest()}"
