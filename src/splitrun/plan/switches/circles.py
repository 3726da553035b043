"""Names that lead back to themselves."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

__all__ = ["circles"]


def circles(leads: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """Find ways from a name back to itself, each beginning and ending with the name that is written first.

    Args:
        leads: What each name leads to; names that lead nowhere may be left out.

    Returns:
        For every name that is the first of some circle, the shortest of them.
    """
    rank = {name: index for index, name in enumerate(leads)}
    found = (shortest(name, leads, rank) for name in leads)
    return tuple(way for way in found if way)


def shortest(start: str, leads: Mapping[str, Iterable[str]], rank: Mapping[str, int]) -> tuple[str, ...]:
    """Give the shortest way back to a name over names that are written later, or nothing."""
    before: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for there in leads.get(here, ()):
            if there == start:
                return (*walked(before, start, here), start)
            if there not in before and rank.get(there, -1) > rank[start]:
                before[there] = here
                waiting.append(there)
    return ()


def walked(before: Mapping[str, str], start: str, end: str) -> tuple[str, ...]:
    """Give the way from one name to another, from what was noted on it."""
    way = [end]
    while way[-1] != start:
        way.append(before[way[-1]])
    return tuple(reversed(way))
