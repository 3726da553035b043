"""A written value as the one text that is kept of it: canonical JSON (RFC 8785), and back without a loss."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import TypeAlias

import rfc8785

from splitrun.errors import SpecError
from splitrun.spec.written.document import Path, Scalar, Site, Value

__all__ = ["body", "value_of"]

Json: TypeAlias = "bool | int | float | str | tuple[Json, ...] | dict[str, Json] | None"

PAIRS = "="
"""Stands alone for a mapping with other keys than text, as `{0: control}`, or in an order of its own."""

EXACT = 2**53
"""Beyond it JSON does not carry whole numbers exactly."""

EXPONENT = 1e21
"""From here on numbers are written with an exponent, and are no whole numbers to whoever reads them."""


def body(site: Site, ordered: Collection[Path] = ()) -> str:
    """Write what stands at a site as canonical JSON; order of keys and formatting leave no trace.

    Args:
        site: Where it stands.
        ordered: Mappings below the site whose order says something: it is kept where it is not that of JSON.

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
    return rfc8785.dumps(plain(value, (), ordered)).decode()


def value_of(written: str) -> Value:
    """Read a body back.

    Raises:
        ValueError: It is no JSON.
    """
    return revived(json.loads(written))


def inexact(value: Value, path: Path) -> Iterator[tuple[Path, int | float]]:
    """Find whole numbers that JSON cannot carry."""
    match value:
        case bool():
            return
        case int() if abs(value) >= EXACT:
            yield path, value
        case float() if EXACT <= abs(value) < EXPONENT:
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


def plain(value: Value, path: Path, ordered: Collection[Path]) -> Json:
    """Write mappings as pairs whose keys are not all text, or whose order is to be kept."""
    match value:
        case tuple():
            return tuple(plain(part, (*path, index), ordered) for index, part in enumerate(value))
        case dict():
            keys = sorted(value, key=rfc8785.dumps)
            as_written = list(value) if path in ordered else keys
            parts = {key: plain(value[key], (*path, key), ordered) for key in as_written}
            if as_written == keys and all(type(key) is str for key in keys) and set(keys) != {PAIRS}:
                return {str(key): part for key, part in parts.items()}
            return {PAIRS: tuple(parts.items())}
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
