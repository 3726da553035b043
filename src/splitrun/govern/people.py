"""When two names are one person's."""

from __future__ import annotations

from unicodedata import normalize

__all__ = ["person"]


def person(name: str) -> str:
    """Give a name as it is compared: `Eve` is `eve`, in whatever form the letters are written."""
    return normalize("NFKC", normalize("NFKC", name).casefold()).strip()
