"""Why rows of the full run do not hold: what was found when they were looked into."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["REASONS", "reason"]

REASONS: Mapping[tuple[str, str, str], str] = {}
"""By method, world and split."""


def reason(method: str, world: str, split: str) -> str:
    """Why a row does not hold."""
    return REASONS.get((method, world, split), "not explained yet")
