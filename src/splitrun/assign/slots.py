"""Slots: the first 32 bits of SHA-256 over salt, colon and unit id, in bytes.

Ids are compared as they are, byte for byte in UTF-8: no case folding, no trimming, no NFC. Digests are held
against thresholds as bytes, which have the order of the numbers; no number is ever made of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from fractions import Fraction
from importlib import import_module
from itertools import accumulate
from typing import Protocol

from splitrun.assign.ruleset import WHOLE
from splitrun.errors import DataError

__all__ = [
    "LONGEST",
    "PLACEHOLDERS",
    "REFUSED",
    "dealing_salt",
    "edge",
    "id_bytes",
    "listed",
    "own_sha256",
    "sha256",
    "slot",
    "threshold",
    "thresholds",
]

LONGEST = 4_096
"""Bytes of a unit id in UTF-8."""

PLACEHOLDERS = frozenset(
    (
        "null", "NULL", "Null", "(null)", "<null>", "nil", "<nil>", "none", "None", "NONE", "undefined",
        "NaN", "nan", "[object Object]", "00000000-0000-0000-0000-000000000000",
    )
)  # fmt: skip
"""What languages write where a value is missing: as an id, all units that have none would be one unit.

`0` and `-1` are not among them: shards, weekdays and rows may be called so.
"""

REFUSED = PLACEHOLDERS | {""}

BEYOND = b"\xff" * 33
"""Above every digest."""


class _Hash(Protocol):
    def digest(self) -> bytes: ...

    def hexdigest(self) -> str: ...


def own_sha256() -> Callable[[bytes], _Hash]:
    """Take CPython's own SHA-256, which does without the set-up of OpenSSL's, where this build has it."""
    for name in ("_sha2", "_sha256"):
        try:
            found: Callable[[bytes], _Hash] = import_module(name).sha256
        except (ImportError, AttributeError):
            continue
        return found
    return hashlib.sha256


sha256 = own_sha256()


def id_bytes(unit: object) -> bytes:
    """Take a unit id as the bytes that are hashed.

    Raises:
        DataError: It is no text, empty, a placeholder, has a NUL or half a surrogate pair, or is too long.
    """
    if not isinstance(unit, str):
        raise DataError(f"the unit id is a {type(unit).__name__}; give a text")
    if not unit:
        raise DataError("the unit id is empty; give the id of the unit, or leave the flag unasked")
    if unit in PLACEHOLDERS:
        raise DataError(f"the unit id {unit!r} stands for a missing one; give the id itself")
    if "\0" in unit:
        raise DataError(f"the unit id {unit[:40]!r} has a NUL; give the id without it")
    if len(unit) > LONGEST or len(taken := _encoded(unit)) > LONGEST:
        raise DataError(f"the unit id {unit[:40]!r}… is longer than {LONGEST:,} bytes; give a shorter one")
    return taken


def _encoded(unit: str) -> bytes:
    try:
        return unit.encode()
    except UnicodeEncodeError as fault:
        raise DataError(
            f"the unit id {unit[:40]!a} has half of a surrogate pair; give well-formed Unicode"
        ) from fault


def dealing_salt(experiment: str, version: int, found: str | None = None) -> str:
    """Give the salt that deals an experiment's units to variants, with what a search found at its end."""
    return f"variant:{experiment}:{version}{'' if found is None else f':{found}'}"


def slot(salt: str, unit: str) -> int:
    """Give the slot of a unit under a salt, in [0, 2**32).

    Raises:
        DataError: The id is empty, a placeholder, too long, or no text that UTF-8 can write.
    """
    return int.from_bytes(sha256(salt.encode() + b":" + id_bytes(unit)).digest()[:4])


def listed(salt: str, unit: str) -> str:
    """Give the hash under which a unit stands on a list: 32 hexadecimal digits.

    Raises:
        DataError: As of `slot`.
    """
    return sha256(salt.encode() + b":" + id_bytes(unit)).hexdigest()[:32]


def threshold(share: Fraction) -> int:
    """Give the threshold below which a share of all slots lies, from an exact fraction in [0, 1]."""
    return share.numerator * WHOLE // share.denominator


def thresholds(shares: Iterable[Fraction]) -> tuple[int, ...]:
    """Give the thresholds at which shares end that lie side by side, from 0 on."""
    return tuple(threshold(total) for total in accumulate(shares))


def edge(below: int) -> bytes:
    """Write a threshold so that `digest < edge` where the digest's slot is below it."""
    return below.to_bytes(4) if below < WHOLE else BEYOND
