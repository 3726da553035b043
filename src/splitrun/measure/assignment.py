"""Slots in SQL: the fixed-width hexadecimal digits of the hash, compared as text, without a cast.

Digits sort as numbers do where there are always eight of them. SHA-256 of `salt:unit` in UTF-8 is the same
in every engine; what they call it differs (see `docs/assignment.md`), which sqlglot sees to.
"""

from __future__ import annotations

from sqlglot import exp

__all__ = ["WHOLE", "below", "digits", "slot_hex"]

WHOLE = 2**32
"""The threshold that every slot is below."""


def slot_hex(salt: str, unit: exp.Expr) -> exp.Expr:
    """Write the slot of a unit as eight hexadecimal digits in lower case.

    Args:
        salt: As in the ruleset, like `variant:one-page-checkout:1`.
        unit: The column with the unit's id, a text.
    """
    message = exp.DPipe(this=exp.Literal.string(f"{salt}:"), expression=unit.copy(), safe=False)
    digest = exp.SHA2(this=message, length=exp.Literal.number(256))
    return exp.Left(this=digest, expression=exp.Literal.number(8))


def below(slot: exp.Expr, threshold: int) -> exp.Expr:
    """Write whether a slot lies below a threshold in [0, 2**32]; null where the id is null.

    Args:
        slot: As of `slot_hex`.
        threshold: The first slot that does not.
    """
    if threshold < WHOLE:
        return exp.LT(this=slot.copy(), expression=exp.Literal.string(digits(threshold)))
    # nothing of eight digits reaches beyond them; a null id stays null
    return exp.LTE(this=slot.copy(), expression=exp.Literal.string(digits(WHOLE - 1)))


def digits(threshold: int) -> str:
    """Write a threshold below 2**32 as the digits that slots are compared with."""
    return f"{threshold:08x}"
