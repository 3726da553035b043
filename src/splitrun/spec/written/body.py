"""A written value as the one text that is kept of it: canonical JSON (RFC 8785), and back without a loss."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeAlias

import rfc8785

from splitrun.errors import SpecError
from splitrun.spec.written.document import Path, Scalar, Site, Value

__all__ = ["body", "value_of"]

Json: TypeAlias = "bool | int | float | str | tuple[Json, ...] | dict[str, Json] | None"

PAIRS = "="
"""Stands alone for a mapping whose keys are not all text, as `{0: control}`: JSON has no other keys."""

EXACT = 2**53
"""Beyond it JSON does not carry whole numbers exactly."""


def body(site: Site) -> str:
    """Write what stands at a site as canonical JSON; order of keys and formatting leave no trace.

    Raises:
        SpecError: Whole numbers in it are beyond 2^53; all of them.
    """
    value = site.document.at(site.path)
    mistakes = [
        site.document.mistake(
            (*site.path, *path),
            f"the number {number} is beyond 2^53, which JSON cannot carry exactly",
            "write it as text, or a smaller one",
        )
        for path, number in inexact(value, ())
    ]
    if mistakes:
        raise SpecError(mistakes)
    return rfc8785.dumps(plain(value)).decode()


def value_of(written: str) -> Value:
    """Read a body back.

    Raises:
        ValueError: It is no JSON.
    """
    return revived(json.loads(written, parse_int=number))


def number(digits: str) -> int | float:
    """Read a whole number; beyond 2^53 it was written with a fraction or an exponent."""
    found = int(digits)
    return found if abs(found) <= EXACT else float(digits)


def inexact(value: Value, path: Path) -> Iterator[tuple[Path, int]]:
    """Find whole numbers that JSON cannot carry."""
    match value:
        case bool():
            return
        case int() if abs(value) >= EXACT:
            yield path, value
        case tuple():
            for index, part in enumerate(value):
                yield from inexact(part, (*path, index))
        case dict():
            for key, part in value.items():
                yield from inexact(key, (*path, key))
                yield from inexact(part, (*path, key))
        case _:
            return


def plain(value: Value) -> Json:
    """Write mappings with other keys than text as pairs."""
    match value:
        case tuple():
            return tuple(plain(part) for part in value)
        case dict() if any(type(key) is not str for key in value) or set(value) == {PAIRS}:
            return {PAIRS: tuple((key, plain(value[key])) for key in sorted(value, key=rfc8785.dumps))}
        case dict():
            return {str(key): plain(part) for key, part in value.items()}
        case _:
            return value


def revived(value: object) -> Value:
    """Take over what the JSON reader gave: lists as tuples, pairs as mappings.

    Raises:
        ValueError: There is something in it that JSON does not have.
    """
    match value:
        case list():
            return tuple(revived(part) for part in value)
        case dict() if set(value) == {PAIRS}:
            return {scalar(key): revived(part) for key, part in value[PAIRS]}
        case dict():
            return {scalar(key): revived(part) for key, part in value.items()}
        case _:
            return scalar(value)


def scalar(value: object) -> Scalar:
    """Take over a value that holds no others.

    Raises:
        ValueError: It is none.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case _:
            raise ValueError(f"{value!r:.60} stands where a text or number belongs")
