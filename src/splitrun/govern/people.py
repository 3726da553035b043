"""When two names are one person's."""

from __future__ import annotations

from unicodedata import category, name, normalize

__all__ = ["illegible", "person"]

SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
"""Writings whose letters are taken for each other."""


def illegible(named: str) -> str:
    """Say why a name cannot be told from another by reading it; empty where it can."""
    if any(category(sign) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"} for sign in named):
        return "it holds signs that nobody sees"
    letters = [name(sign, "") for sign in named if sign.isalpha()]
    there = [script for script in SCRIPTS if any(one.startswith(script) for one in letters)]
    return f"it mixes {' and '.join(there).lower()} letters" if len(there) > 1 else ""


def person(named: str) -> str:
    """Give a name as it is compared: `Eve` is `eve`, in whatever form the letters are written."""
    shown = "".join(sign for sign in named if category(sign) != "Cf")
    return " ".join(normalize("NFKC", normalize("NFKC", shown).casefold()).split())
