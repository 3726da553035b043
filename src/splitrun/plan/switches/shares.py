"""Exact shares as whole thresholds: `floor(cumulative share * 2**32)`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor

from splitrun.assign.ruleset import WHOLE

__all__ = ["edges", "threshold"]


def threshold(share: Fraction) -> int:
    """Give the slot that a share ends at; a slot belongs to what lies below its threshold."""
    return floor(share * WHOLE)


def edges(weights: Sequence[int]) -> tuple[int, ...]:
    """Give where each part of a split ends; the last takes what is left.

    Args:
        weights: Whole weights, at least one.
    """
    total, reached, ends = sum(weights), 0, list[int]()
    for weight in weights[:-1]:
        reached += weight
        ends.append(threshold(Fraction(reached, total)))
    return (*ends, WHOLE)
