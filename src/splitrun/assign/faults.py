"""What went wrong while a flag was evaluated, as a code of OpenFeature and a sentence of bounded length."""

from __future__ import annotations

from collections.abc import Mapping

from splitrun.assign.evaluation import ErrorCode
from splitrun.assign.programs import IdError
from splitrun.assign.slots import id_bytes
from splitrun.errors import DataError

__all__ = ["said", "told"]

LONGEST = 300
"""Characters of what is said; a caller's exception may say any number."""


def told(unit: object, attributes: object, fault: Exception | None) -> tuple[ErrorCode, str]:
    """Say what went wrong: the unit's id, another id, the attributes, or what a caller's object raised."""
    try:
        id_bytes(unit)
        mapped = isinstance(attributes, Mapping)
    except DataError as refused:
        missing = unit is None or (type(unit) is str and not unit)
        return ErrorCode.TARGETING_KEY_MISSING if missing else ErrorCode.INVALID_CONTEXT, str(refused)
    except Exception as odd:  # noqa: BLE001  # an object that lies about its class may raise even here
        return ErrorCode.INVALID_CONTEXT, f"{said(odd)}; give a text as unit and a mapping as attributes"
    if isinstance(fault, IdError):
        return fault.code, str(fault)
    if not mapped:
        says = f"the attributes are a {type(attributes).__name__}; give a mapping of names to values"
        return ErrorCode.INVALID_CONTEXT, says
    return ErrorCode.GENERAL, f"{said(fault)}; mend what the attributes or the sticky store raise"


def said(fault: BaseException | None) -> str:
    """Write what was raised, in at most LONGEST characters."""
    try:
        return f"{type(fault).__name__}: {fault}"[:LONGEST]
    except Exception:  # noqa: BLE001  # a caller's exception may fail at being written, too
        return type(fault).__name__
