"""How checks and verdicts write counts and shares for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["by_source", "counted", "listed", "percent"]


def counted(number: int, noun: str) -> str:
    """A count with its noun, like `1 row` or `2,345 rows`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def percent(part: float, whole: float) -> str:
    """A part as a percentage of the whole with three digits, like `8.25 %`; a tiny part stays above zero."""
    return f"{part / whole * 100:.3g} %"


def listed(items: Iterable[str], most: int = 5) -> str:
    """The first items with commas, and how many more there are."""
    everything = tuple(items)
    more = len(everything) - most
    shown = ", ".join(everything[:most])
    return f"{shown} and {more:,} more" if more > 0 else shown


def by_source(rows: Mapping[str, int]) -> str:
    """Rows of every source that has any, like `clicks: 3 rows, carts: 1 row`."""
    return listed(f"{source}: {counted(count, 'row')}" for source, count in rows.items() if count)
