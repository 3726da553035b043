"""Values as the one text that is hashed and kept: canonical JSON (RFC 8785), digests, moments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import TypeAlias

import rfc8785

from splitrun.errors import StoreError

__all__ = ["Json", "as_moment", "as_text", "canonical", "digest", "flat", "sha", "value_of"]

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""What JSON carries; mappings are dicts, sequences lists or tuples."""

Flat: TypeAlias = "bool | int | str | None"


def canonical(value: Json) -> str:
    """Write a value as canonical JSON (RFC 8785).

    Raises:
        StoreError: It holds what JSON cannot carry: a number beyond 2^53, NaN, half a surrogate pair.
    """
    try:
        return rfc8785.dumps(value).decode()
    except (rfc8785.CanonicalizationError, UnicodeError) as refused:
        raise StoreError(
            f"this has no canonical JSON: {refused}; keep whole numbers within 2^53 and texts in Unicode"
        ) from refused


def flat(value: Mapping[str, Flat]) -> str:
    """Write names with texts, whole numbers, truth values and nothing else, as canonical JSON would be.

    Python's own writer escapes the same characters as RFC 8785 §3.2.2.2 and is twenty times faster; names are
    ASCII here, so that its order of code points is that of UTF-16.
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def value_of(text: str) -> Json:
    """Read JSON that was kept.

    Raises:
        StoreError: It is none.
    """
    try:
        value: Json = json.loads(text)
    except ValueError as error:
        raise StoreError(
            f"what is kept is no JSON ({error}): {text[:60]!r}; run `splitrun audit verify`, restore a backup"
        ) from error
    return value


def sha(data: bytes) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return sha256(data).hexdigest()


def digest(text: str) -> str:
    """The fingerprint of a text: `sha256:` and 64 hexadecimal digits.

    Raises:
        StoreError: The text holds half a surrogate pair.
    """
    try:
        return f"sha256:{sha(text.encode())}"
    except UnicodeError as error:
        raise StoreError(f"this is no Unicode text ({error}); write it anew") from error


def as_text(moment: datetime) -> str:
    """Write a moment as it is kept: UTC, six decimals, `Z`.

    Raises:
        StoreError: It has no zone.
    """
    if moment.tzinfo is None:
        raise StoreError(f"the moment {moment.isoformat()} has no zone; hand over an aware one")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def as_moment(text: str) -> datetime:
    """Read a moment that was kept.

    Raises:
        StoreError: It is none.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise StoreError(
            f"what is kept is no moment: {text[:60]!r}; run `splitrun audit verify`, restore a backup"
        ) from error
