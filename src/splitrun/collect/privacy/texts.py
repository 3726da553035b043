"""E-mail addresses and telephone numbers in free text, found in time linear in its length.

An address has a name, one @ and a domain with a dot. A number is international (`+` or `00`), begins with a 0
that another digit follows, or is written in groups of 3, 3 and 4 digits; between them may stand blanks, dots,
dashes, slashes and brackets. Numbers of orders, moments in time and amounts are none of these.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import re2

__all__ = ["EMAIL", "PHONE", "Found", "searched", "suspicious"]

EMAIL = "e-mail"
PHONE = "phone"

ADDRESS = re2.compile(r"[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}+")
NUMBER = re2.compile(
    r"(^|[^\w.+-])("
    r"(?:\+|00)[1-9](?:[ ()./-]{0,2}\d){6,13}"
    r"|\(?0[1-9](?:[ ()/-]{0,2}\d){6,12}"
    r"|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}"
    r")(?:$|[^\w-])"
)
WRITTEN = re.compile(rb"[0-9 ()./+-]{7,}")
DIGITS = re.compile(r"[0-9 ()./+-]{7,}")
"""Rows of the signs that a number is made of; asked first, by `re`, which is called faster than re2 and has
nothing here to go back over."""
LEAST = 5
"""Characters of the shortest address, a@b.c; a number is longer."""


class Found(NamedTuple):
    """What a text holds."""

    kinds: tuple[str, ...]
    masked: str
    """The text with each of them replaced by its kind."""


def suspicious(written: bytes) -> bool:
    """Whether JSON may hold an address or a number: an @, a long row of digits, or signs in disguise."""
    return b"@" in written or b"\\u" in written or WRITTEN.search(written) is not None


def searched(text: str) -> Found | None:
    """Look for addresses and numbers; None where there are none."""
    if len(text) < LEAST:
        return None
    kinds: list[str] = []
    masked = text
    if "@" in masked:
        masked, count = ADDRESS.subn(f"({EMAIL})", masked)
        kinds += [EMAIL] if count else []
    if DIGITS.search(masked) is not None and NUMBER.search(masked) is not None:
        masked, kinds = numbers(masked), [*kinds, PHONE]
    return Found(tuple(kinds), masked) if kinds else None


def numbers(text: str) -> str:
    """Mask numbers; one may begin with the sign that ended the search for another."""
    out, at = [], 0
    while (hit := NUMBER.search(text, at)) is not None:
        start, end = hit.span(2)
        out += [text[at:start], f"({PHONE})"]
        at = end
    return "".join([*out, text[at:]])
