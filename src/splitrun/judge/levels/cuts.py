"""The cells of a cube, cut into the levels of a segment, or left whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from splitrun.measure.measured import Measured, Quantiles
from splitrun.moments import IntArray

__all__ = ["Cut", "crossing", "cut_by"]


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A segment's levels, or all units as one level without a name."""

    segment: str | None
    labels: tuple[str, ...]
    code: IntArray
    """Index into labels, shape (cells,)."""
    measured: Measured
    """What holds these cells."""
    quantiles: Mapping[tuple[str, str | None], Quantiles]
    """By metric and segment."""


def cut_by(measured: Measured, segment: str | None) -> Cut:
    """Cut the cells by a segment; None: not at all."""
    if segment is None:
        return Cut(None, ("",), np.zeros_like(measured.cells.variant.code), measured, measured.quantiles)
    home = measured.within.get(segment, measured)
    levels = home.cells.segments[segment]
    return Cut(segment, levels.labels, levels.code, home, measured.quantiles)


def crossing(cut: Cut, strata: Sequence[str]) -> tuple[Cut, int]:
    """Cut every level further into strata, the combinations of the levels of several segments.

    Returns:
        Levels in which the stratum runs fastest, and the number of strata.
    """
    code, count = np.zeros_like(cut.code), 1
    for key in strata:
        levels = cut.measured.cells.segments[key]
        code, count = code * len(levels.labels) + levels.code, count * len(levels.labels)
    # only combinations that occur: the product of many levels may be huge
    seen, code = np.unique(code, return_inverse=True)
    strata_seen = max(1, len(seen))
    labels = cut.labels * strata_seen
    return replace(cut, labels=labels, code=cut.code * strata_seen + code), strata_seen
