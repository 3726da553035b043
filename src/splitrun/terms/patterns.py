"""Patterns that cannot stall: `like` in steps; regular expressions on google-re2, loaded when needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module

from splitrun.errors import RulesetError

__all__ = ["Patterns", "like"]

LONGEST = 1_000
"""Characters of one regular expression."""

MEMORY = 1 << 20
"""Bytes that RE2 may hold for one regular expression, its program and its states."""

PROGRAMS = 150_000
"""Instructions (16 bytes each) of all regular expressions of a ruleset."""


class Patterns:
    """The regular expressions of one ruleset, each compiled once, with a budget for all of them."""

    def __init__(self) -> None:
        self._known: dict[str, Callable[[str], bool]] = {}
        self._spent = 0

    def found_in(self, pattern: str) -> Callable[[str], bool]:
        """Compile a regular expression to the question whether a text holds it anywhere.

        Raises:
            RulesetError: RE2 refuses it, it is too large, or google-re2 is not installed.
        """
        known = self._known.get(pattern)
        if known is None:
            known = self._known[pattern] = self._compiled(pattern)
        return known

    def _compiled(self, pattern: str) -> Callable[[str], bool]:
        if len(pattern) > LONGEST:
            raise RulesetError(
                f"a regular expression has {len(pattern):,} characters and may have {LONGEST:,}; "
                "split it, or compare with `in`"
            )
        try:
            re2 = import_module("re2")
        except ImportError as missing:
            raise RulesetError(
                f"a rule asks regexp_matches(…, {pattern[:60]!r}) and google-re2 is not installed; "
                "install splitrun[re2]"
            ) from missing
        options = re2.Options()
        options.log_errors = False
        options.max_mem = MEMORY
        options.never_capture = True
        try:
            expression = re2.compile(pattern.encode(), options)
        except (re2.error, UnicodeEncodeError) as fault:
            raise RulesetError(
                f"the regular expression {pattern[:60]!r} is not one of RE2: {_said(fault)}; "
                "write it without look-around and backreferences, and shorter"
            ) from fault
        self._spent += int(expression.programsize)
        if self._spent > PROGRAMS:
            raise RulesetError(
                f"the regular expressions of the ruleset need more than {PROGRAMS:,} steps, the last of them "
                f"{pattern[:60]!r}; make repetitions shorter"
            )
        search = expression.search
        return lambda text: search(text.encode("utf-8", "surrogatepass")) is not None


def _said(fault: Exception) -> str:
    said = fault.args[0] if fault.args else fault
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def like(pattern: str) -> Callable[[str], bool]:
    """Compile a pattern of `like`: `%` is any characters, `_` is one, nothing escapes them.

    The pieces between `%` are sought from left to right, each as early as it can be: no way is tried twice,
    where a regular expression with many `.*` would try them all.
    """
    first, *rest = pattern.split("%")
    if not rest:
        whole = _piece(first)
        return lambda text: len(text) == len(first) and whole.match(text) is not None
    *middle, last = rest
    head, tail = _piece(first), _piece(last)
    inner = [_piece(piece) for piece in middle if piece]
    shortest = len(pattern) - pattern.count("%")

    def matches(text: str) -> bool:
        if len(text) < shortest or head.match(text) is None:
            return False
        at, end = len(first), len(text) - len(last)
        for piece in inner:
            found = piece.search(text, at, end)
            if found is None:
                return False
            at = found.end()
        return at <= end and tail.match(text, end) is not None

    return matches


def _piece(piece: str) -> re.Pattern[str]:
    """Compile characters and `_`: a pattern of one length, so that it cannot backtrack."""
    return re.compile("".join("." if letter == "_" else re.escape(letter) for letter in piece), re.DOTALL)
