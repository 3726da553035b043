"""Text that no terminal obeys: labels come from data, and data may hold anything."""

from __future__ import annotations

import unicodedata

__all__ = ["columns", "printable"]

OBEYED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control, formatting (also right-to-left overrides), surrogate, private and unassigned characters."""


def printable(text: str) -> str:
    """Write control and formatting characters out as escapes, and every white space as a space."""
    return "".join(" " if char.isspace() else shown(char) for char in text)


def shown(char: str) -> str:
    """A character, or its escape where a terminal would obey it."""
    if unicodedata.category(char) not in OBEYED:
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
