"""Text that no terminal obeys, and that fits its lines: labels come from data, and data may hold anything."""

from __future__ import annotations

import unicodedata

__all__ = ["columns", "folded", "printable"]

OBEYED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control, formatting (also right-to-left overrides), surrogate, private and unassigned characters."""
AS_PICTURE = "\ufe0f"
"""After a character: it is drawn as a picture, which takes two columns."""


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
    """How many columns of a terminal a text takes: wide characters two, combining ones none (UAX 11)."""
    return sum(places(text, at) for at in range(len(text)))


def places(text: str, at: int) -> int:
    """How many columns the character at a place adds to those before it."""
    char = text[at]
    if char == AS_PICTURE:
        return int(at > 0 and not text[at - 1].isspace() and places(text, at - 1) == 1)
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def folded(text: str, width: int, indent: str = "", hang: str = "") -> list[str]:
    """Break a text between words into lines that take at most so many columns.

    Args:
        text: What to break; a word that is wider than a line is broken itself, never within a character and
            the marks on it.
        width: Columns of a line with what it starts with.
        indent: What the first line starts with.
        hang: What the lines after it start with.
    """
    lines: list[str] = []
    line, start = "", indent
    for word in text.split(" "):
        rest = word
        if line and columns(f"{start}{line} {rest}") > width:
            lines.append(start + line)
            line, start = "", hang
        while rest and not line and columns(start + rest) > width:
            fits = fitting(rest, width - columns(start))
            lines.append(start + rest[:fits])
            rest, start = rest[fits:], hang
        line = f"{line} {rest}" if line and rest else line or rest
    return [*lines, start + line] if line else lines


def fitting(word: str, room: int) -> int:
    """How many characters of a word take at most so many columns; at least one, with all marks on it."""
    used = 0
    for at in range(len(word)):
        used += places(word, at)
        if used > room and at and places(word, at):
            return at if word[at] != AS_PICTURE else max(1, at - 1)
    return len(word)
