"""What may stand inside the quotes: versions, days, patterns. The same rules hold in SQL and in process."""

from __future__ import annotations

import re
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec

__all__ = ["DIGITS", "MOMENT", "SHORT", "VERSION", "moment", "pattern_fault", "version_key"]

DIGITS = 20
"""Most digits of a number inside a version."""

LONGEST = 256
"""Most characters of a version. What is longer is none, and is not read: it may be a visitor's."""

SHORT = rf"^[0-9a-zA-Z.+-]{{1,{LONGEST}}}$"
"""What may be a version, by its characters and their number."""

NUMERIC = rf"(?:0|[1-9][0-9]{{0,{DIGITS - 1}}})"
IDENTIFIER = rf"(?:{NUMERIC}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
VERSION = (
    rf"^{NUMERIC}\.{NUMERIC}\.{NUMERIC}(?:-{IDENTIFIER}(?:\.{IDENTIFIER})*)?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$"
)
"""Semantic Versioning 2.0.0, rules 2, 9 and 10, with numbers of at most DIGITS digits, for RE2 and Python."""

YEAR = r"(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"
MOMENT = rf"^{YEAR}-[0-9]{{2}}-[0-9]{{2}}(?:[T ](?:[01][0-9]|2[0-3]):[0-9]{{2}}(?::[0-9]{{2}})?)?$"
"""A day from the year 1 on, or a day and a time of day before 24:00, without a zone."""

BEYOND = re.compile(r"\\[1-9]|\\[gk][<{]|\(\?(?:=|!|<=|<!|>|P=|P>|\(|#|R|&)")
"""Look-around, backreferences and what else RE2 leaves out on purpose."""


def version_key(text: str) -> str | None:
    """Write a version so that keys, compared by characters, stand in the order of SemVer 2.0.0, rule 11.

    Every identifier becomes `<…!`. `!` sorts below all characters of identifiers, so a shorter list comes
    first; `#` puts numbers, padded to one width, below names; `~` puts a release above its pre-releases. The
    build is left out. The SQL in `rendering` writes the same key.

    Returns:
        The key, or None where the text is no version, or longer than LONGEST characters.
    """
    if len(text) > LONGEST or re.match(VERSION.replace("$", r"\Z"), text) is None:
        return None
    core, _, suffix = text.partition("+")[0].partition("-")
    parts = [*core.split("."), *(suffix.split(".") if suffix else ["~"])]
    return "".join(f"<#{part:0>{DIGITS}}!" if part.isdigit() else f"<{part}!" for part in parts)


def moment(text: str) -> str | None:
    """Write a day or a moment as `2026-01-31 00:00:00`, or None where it is none."""
    if re.match(MOMENT.replace("$", r"\Z"), text) is None:
        return None
    try:
        return datetime.fromisoformat(text).isoformat(sep=" ", timespec="seconds")
    except ValueError:
        return None


def pattern_fault(pattern: str) -> tuple[int, str] | None:
    """Find what RE2 would refuse in a pattern.

    google-re2 decides where it is installed; without it, only what RE2 leaves out on purpose is found here
    and the engine judges the rest.

    Returns:
        Where in the pattern, counted from 0, and what; None where nothing is wrong.
    """
    beyond = BEYOND.search(_without_escapes(pattern))
    if beyond:
        return beyond.start(), f"{beyond[0]!r} (look-around, backreference or the like)"
    if find_spec("re2") is None:
        return None
    re2 = import_module("re2")
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as fault:
        return 0, str(fault.args[0].decode() if isinstance(fault.args[0], bytes) else fault.args[0])
    return None


def _without_escapes(pattern: str) -> str:
    r"""Blank out `\\`, escaped brackets and the like, so that `\\1` is not taken for a backreference."""
    return re.sub(r"\\[^1-9gk]", "  ", pattern)
