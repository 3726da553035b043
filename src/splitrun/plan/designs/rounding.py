"""Exact counts inside strata and over all at once: controlled random rounding (Cox 1987).

Inside each stratum a variant is due `units x weight`, which is seldom whole. The fractions of all strata
are rounded together, so that every stratum's count and the count over all strata lie within one of what
is due, and every unit keeps exactly its weight as its chance: fractions are moved around closed loops of
cells, up here and down there by equal amounts, each move with the odds under which nothing changes in
expectation. All numbers are whole, in parts of the sum of weights.

Source: L. H. Cox, "A Constructive Procedure for Unbiased Controlled Rounding", JASA 82 (1987), 520-524.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from splitrun.plan.designs.dice import Dice, Whole

__all__ = ["counts"]

Row = list[int]
Cell = tuple[int, int]


def counts(sizes: Sequence[int], weights: Sequence[int], dice: Dice) -> Whole:
    """How many units of each stratum get each variant.

    Args:
        sizes: Units in each stratum.
        weights: Of the variants.
        dice: What rounds.

    Returns:
        Counts of shape (strata, variants); rows add up to the sizes.
    """
    whole = sum(weights)
    floors = np.array([[size * weight // whole for weight in weights] for size in sizes], dtype=np.int64)
    parts = [[size * weight % whole for weight in weights] for size in sizes]
    # what all strata together lack of whole counts: a row of its own, rounded last and then left out
    slack = [-sum(column) % whole for column in zip(*parts, strict=True)]
    rows = [*parts, slack]
    raw = flips(dice)
    active: list[int] = []
    for index in range(len(rows)):
        active.append(index)
        while loop := closed([rows[place] for place in active], whole):
            moved(loop, [rows[place] for place in active], whole, next(raw))
            active = [place for place in active if any(cell % whole for cell in rows[place])]
    ups = np.array([[cell // whole for cell in row] for row in parts], dtype=np.int64)
    return floors + ups.reshape(floors.shape)


def flips(dice: Dice) -> Iterator[int]:
    """64-bit numbers without end."""
    block = 0
    while True:
        yield from dice.numbers(f"rounding:{block}", 1_024).tolist()
        block += 1


def closed(rows: Sequence[Row], whole: int) -> list[Cell] | None:
    """A closed loop of cells with fractions, by turns along a row and a column; None without one."""
    cells = {
        (index, column) for index, row in enumerate(rows) for column, part in enumerate(row) if part % whole
    }
    while lone := ends(cells):
        cells -= lone
    if not cells:
        return None
    path: list[Cell] = []
    seen: dict[Cell, int] = {}
    axis, line = 0, min(cells)[0]
    while (axis, line) not in seen:
        seen[axis, line] = len(path)
        here = path[-1:]
        path.append(min(cell for cell in cells if cell[axis] == line and [cell] != here))
        axis = 1 - axis
        line = path[-1][axis]
    return path[seen[axis, line] :]


def ends(cells: set[Cell]) -> set[Cell]:
    """Cells that stand alone in their row or column: no loop runs through them."""
    rows, columns = Counter(row for row, _ in cells), Counter(column for _, column in cells)
    return {cell for cell in cells if rows[cell[0]] == 1 or columns[cell[1]] == 1}


def moved(loop: Sequence[Cell], rows: Sequence[Row], whole: int, flip: int) -> None:
    """Move fractions around a loop until a cell is whole, up or down with odds that keep expectations."""
    ups, downs = loop[0::2], loop[1::2]
    up = min(*(whole - rows[i][j] for i, j in ups), *(rows[i][j] for i, j in downs))
    down = min(*(rows[i][j] for i, j in ups), *(whole - rows[i][j] for i, j in downs))
    # the remainder of 64 bits by so small a number is even to 1 in 10^13
    step = up if flip % (up + down) < down else -down
    for i, j in ups:
        rows[i][j] += step
    for i, j in downs:
        rows[i][j] -= step
