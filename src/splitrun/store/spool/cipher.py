"""What is at rest in a spool is closed: AES-256-GCM, a nonce of its own for each body (NIST SP 800-38D)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from splitrun.errors import StoreError
from splitrun.store.lasting import durable, folder

__all__ = ["ADDED", "KEY_BYTES", "Cipher", "secret_file"]

KEY_BYTES = 32
NONCE = 12
NAME = 8
"""Bytes of a key's name: the first of SHA-256 over a prefix and the key."""
CHECK = 8
"""Bytes that stand behind a key in its file; a key without them is taken as it is."""
ADDED = NAME + NONCE + 16
"""Bytes that closing adds to a body: key name, nonce and tag."""


def name(key: bytes) -> bytes:
    """Name a key without telling it."""
    return sha256(b"splitrun spool key\x1f" + key).digest()[:NAME]


class Cipher:
    """Closes with the first key, opens with any.

    Args:
        keys: 32 bytes each; the first is the newest.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {name(key): AESGCM(key) for key in keys}
        self._newest = name(keys[0])
        self._close = self._keys[self._newest].encrypt

    def closed(self, bodies: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """Close bodies, each bound to its label: key name, nonce, ciphertext with its tag.

        Args:
            bodies: Each with its label.
        """
        drawn = os.urandom(
            NONCE * len(bodies)
        )  # at once: asking the system each time costs more than closing
        closed = []
        for place, (body, label) in enumerate(bodies):
            nonce = drawn[NONCE * place : NONCE * (place + 1)]
            closed.append(self._newest + nonce + self._close(nonce, body, label))
        return closed

    def opened(self, blob: bytes, label: bytes) -> bytes:
        """Open a body.

        Raises:
            StoreError: It was closed with another key, or it or its label was changed.
        """
        key = self._keys.get(blob[:NAME])
        if key is None:
            raise StoreError(
                f"a row of the spool was closed with the key {blob[:NAME].hex()}, which is not at hand; put "
                "the key file back"
            )
        try:
            return key.decrypt(blob[NAME : NAME + NONCE], blob[NAME + NONCE :], label)
        except InvalidTag:
            raise StoreError(
                "a row of the spool is not what was written; the disk or somebody changed it: look into the "
                "disk, and put the file back from a backup"
            ) from None


def secret_file(file: Path) -> bytes:
    """Read a key; where there is none, draw it and write it, readable for its owner only.

    Raises:
        StoreError: It cannot be read or written, or is no key.
    """
    try:
        if not file.exists():
            folder(file.parent)
            part = file.with_name(f".{file.name}.{os.getpid()}.part")
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(vouched(os.urandom(KEY_BYTES)))
                out.flush()
                os.fsync(out.fileno())
            try:
                os.link(part, file)  # whoever is first wins; nobody's key is written over
            except FileExistsError:
                pass
            finally:
                part.unlink()
            durable(file.parent)  # what is closed with a key is lost with it
        key = file.read_bytes()
    except OSError as error:
        raise StoreError(f"the key {file} cannot be read or made ({error.strerror})") from error
    if len(key) not in {KEY_BYTES, KEY_BYTES + CHECK}:
        raise StoreError(
            f"the key {file} has {len(key)} bytes instead of {KEY_BYTES}; put the right file back"
        )
    if len(key) > KEY_BYTES and vouched(key[:KEY_BYTES]) != key:
        raise StoreError(f"the key {file} is not what was written; put the file back from a backup")
    return key[:KEY_BYTES]


def vouched(key: bytes) -> bytes:
    """Put the first bytes of a key's own digest behind it: a bit that changes is found, not used."""
    return key + sha256(b"splitrun key file\x1f" + key).digest()[:CHECK]
