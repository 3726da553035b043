"""What flags and parameters serve: values of JSON, each of its type."""

from __future__ import annotations

from splitrun.assign.ruleset import Type
from splitrun.spec.amount import shown

__all__ = ["fault", "plain", "type_of"]

LARGEST = 2**53
"""JSON carries whole numbers exactly up to here."""


def type_of(value: object) -> Type | None:
    """Give the type of a value; None for nothing, which no product can use."""
    match value:
        case None:
            return None
        case bool():
            return Type.BOOLEAN
        case str():
            return Type.STRING
        case int() | float():
            return Type.NUMBER
        case _:
            return Type.OBJECT


def fault(value: object, wanted: Type) -> str:
    """Say why a value cannot be served as a type, or nothing."""
    if type_of(value) is not wanted:
        written = repr(value[:60]) if type(value) is str else shown(value)
        return f"{written} is no {wanted}"
    return inner_fault(value)


def inner_fault(value: object) -> str:
    """Say what in a value JSON cannot carry, or nothing."""
    match value:
        case dict():
            odd = [key for key in value if type(key) is not str]
            if odd:
                return f"key {shown(odd[0])} is no text"
            return next(filter(None, map(inner_fault, value.values())), "")
        case tuple() | list():
            return next(filter(None, map(inner_fault, value)), "")
        case bool():
            return ""
        case int() if abs(value) > LARGEST:
            return f"{value:.3g} is a whole number beyond 2^53"
        case _:
            return ""


def plain(value: object) -> object:
    """Copy a value as JSON gives it back: lists, and mappings by text."""
    match value:
        case dict():
            return {str(key): plain(part) for key, part in value.items()}
        case tuple() | list():
            return [plain(part) for part in value]
        case _:
            return value
