"""Claims: a mapping that is empty but while a thread does what only one of them may do."""

from __future__ import annotations

__all__ = ["Claims", "disclaim"]

Claims = dict[object, object]
"""Who does it, by what it is done to. `setdefault` is atomic, and safe in a signal handler."""


def disclaim(claims: Claims, key: object, claim: object) -> None:
    """Take back a claim, unless it is another's."""
    if claims.get(key) is claim:
        del claims[key]
