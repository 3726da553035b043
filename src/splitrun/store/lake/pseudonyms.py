"""Pseudonyms: the first 64 bits of HMAC-SHA-256 over unit type and id, under a key of the installation.

RFC 2104; ids are taken byte for byte. Keys live in files or the environment, never in a database; who has the
lake alone cannot tell a unit, nor try ids out. At 10^9 units 0.03 pairs are expected to share a pseudonym.
"""

from __future__ import annotations

import os
from base64 import b64decode
from binascii import Error
from hmac import digest
from pathlib import Path

from splitrun.errors import StoreError
from splitrun.store.spool.cipher import KEY_BYTES, secret_file

__all__ = ["KEYS", "Pseudonyms", "epochs_of"]

KEYS = "SPLITRUN_PSEUDONYM_KEYS"
"""Environment variable: `epoch:base64,…`; it goes before the key files."""

SEPARATOR = b"\x1f"
REMEMBERED = 500_000
"""Pseudonyms that are kept in memory."""


class Pseudonyms:
    """Gives units their pseudonyms of one epoch.

    Args:
        epoch: Which key; it stands in every row.
        key: 32 bytes.
    """

    def __init__(self, epoch: int, key: bytes) -> None:
        self.epoch, self.key = epoch, key
        self.known: dict[tuple[str, str], int] = {}

    def key_of(self, unit_type: str, unit: str) -> int:
        """The pseudonym of a unit as a signed number of 64 bits."""
        name = (unit_type, unit)
        found = self.known.get(name)
        if found is None:
            said = digest(self.key, unit_type.encode() + SEPARATOR + unit.encode(), "sha256")
            found = int.from_bytes(said[:8], "big", signed=True)
            if len(self.known) >= REMEMBERED:
                self.known.clear()
            self.known[name] = found
        return found


def epochs_of(folder: Path) -> dict[int, bytes]:
    """Read the keys by epoch; where there is none at all, make the first.

    Args:
        folder: Where `<epoch>.key` files lie.

    Raises:
        StoreError: A key cannot be read or made.
    """
    written = os.environ.get(KEYS)
    if written:
        return dict(parsed(part) for part in written.split(","))
    names = sorted(int(file.stem) for file in folder.glob("*.key") if file.stem.isdigit())
    return {epoch: secret_file(folder / f"{epoch}.key") for epoch in names or [1]}


def parsed(part: str) -> tuple[int, bytes]:
    """Read `epoch:base64`; nothing of the key is told in an error.

    Raises:
        StoreError: It is none.
    """
    epoch, _, key = part.strip().partition(":")
    try:
        secret = b64decode(key, validate=True)
    except (Error, ValueError):
        secret = b""
    if not epoch.isdigit() or len(secret) != KEY_BYTES:
        raise StoreError(
            f"{KEYS} does not hold epochs and keys; write it like 1:BASE64 with {KEY_BYTES} bytes"
        )
    return int(epoch), secret
