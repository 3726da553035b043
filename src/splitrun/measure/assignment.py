"""Slots in SQL: hexadecimal digits of the hash compared as text, of one width, without a cast.

SHA-256 of `salt:unit` in UTF-8, in lower case. Its first eight digits are the slot; the digits behind them
change nothing in a comparison with eight digits, and cutting them off would cost a tenth more. Written for
DuckDB, and Spark reads it as well; `docs/assignment.md` has the words of other engines.
"""

from __future__ import annotations

from sqlglot import exp

__all__ = ["WHOLE", "below", "digits", "slot_hex"]

WHOLE = 2**32
"""The threshold that every slot is below."""

BEYOND = "g"
"""Sorts behind every hexadecimal digit."""


def slot_hex(salt: str, unit: exp.Expr) -> exp.Expr:
    """Write the hash of a unit, whose first eight hexadecimal digits are its slot.

    Args:
        salt: As in the ruleset, like `variant:one-page-checkout:1`.
        unit: The column with the unit's id, a text.
    """
    message = exp.DPipe(this=exp.Literal.string(f"{salt}:"), expression=unit.copy(), safe=False)
    return exp.SHA2(this=message, length=exp.Literal.number(256))


def below(slot: exp.Expr, threshold: int) -> exp.Expr:
    """Write whether a slot lies below a threshold in [0, 2**32]; null where the id is null.

    Args:
        slot: As of `slot_hex`.
        threshold: The first slot that does not.
    """
    return exp.LT(this=slot.copy(), expression=exp.Literal.string(digits(threshold)))


def digits(threshold: int) -> str:
    """Write a threshold in [0, 2**32] as the text that hashes are compared with."""
    return f"{threshold:08x}" if threshold < WHOLE else BEYOND
