"""The list of units that nothing is kept of: opted out, or forgotten. It names nobody.

A unit stands there as HMAC-SHA-256 (RFC 2104) of its type and id under a key of its own, so that who has the
list alone can neither read nor try out whom it is about. Beside it, closed with a key made from that one,
stand the pseudonyms whose rows readings leave out: of who was forgotten only until the rows are gone.
"""

from __future__ import annotations

import fcntl
import hmac
import os
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np

from splitrun.errors import StoreError
from splitrun.sdk.event import Unit
from splitrun.store.chain.head import whole
from splitrun.store.lasting import durable, folder
from splitrun.store.spool.cipher import KEY_BYTES, Cipher, secret_file

__all__ = ["KEY", "Kind", "Mark", "Marks", "parsed"]

KEY = "SPLITRUN_ERASURE_KEY"
"""Environment variable: the key in base64; it goes before the key file."""

FORM = "splitrun.people/1"
CHECK = 16
"""Hexadecimal digits of SHA-256 that vouch for a line."""
NONE = "-"


class Kind(StrEnum):
    """Why nothing of a unit is kept."""

    OUT = "out"
    """It opted out, and may opt in again."""
    GONE = "gone"
    """It was forgotten, and stays so."""
    LINKED = "linked"
    """An id that belonged to somebody who was forgotten: only its pseudonym was known."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A unit of which nothing is kept."""

    kind: Kind
    day: str
    """ISO 8601; no more exact, so that nobody is told by the moment."""
    sealed: bytes = b""
    """Its pseudonyms, closed; empty where no rows of it are there."""


class Marks:
    """The list of a state folder.

    Args:
        file: Where it is kept, readable for its owner only.
        key: The file of the erasure key; made where there is none, when it is first needed.
    """

    def __init__(self, file: Path, key: Path) -> None:
        self.file, self.key_file = file, key

    @cached_property
    def key(self) -> bytes:
        """The erasure key.

        Raises:
            StoreError: It cannot be read or made.
        """
        written = os.environ.get(KEY)
        if not written:
            return secret_file(self.key_file)
        try:
            key = b64decode(written, validate=True)
        except (Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise StoreError(f"{KEY} is no key; write {KEY_BYTES} bytes in base64")
        return key

    @property
    def head(self) -> str:
        """The first line: the form, and which key the list was written with, without telling it."""
        return f"{FORM} {sha256(b'splitrun erasure key' + self.key).hexdigest()[:16]}"

    @cached_property
    def cipher(self) -> Cipher:
        """Closes pseudonyms."""
        return Cipher([hmac.digest(self.key, b"splitrun pseudonyms", "sha256")])

    def token(self, unit: Unit) -> str:
        """Give what stands for a unit: 64 hexadecimal digits."""
        name = unit.type.encode("utf-8", "surrogatepass") + b"\x1f" + unit.id.encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, name, "sha256").hex()

    def token_of(self, key: int) -> str:
        """Give what stands for an id of which nothing but its pseudonym is known."""
        name = b"\x1fpseudonym\x1f" + key.to_bytes(8, "big", signed=True)
        return hmac.digest(self.key, name, "sha256").hex()

    def sealed(self, token: str, keys: Iterable[int]) -> bytes:
        """Close the pseudonyms of a unit."""
        body = np.array(sorted(keys), "<i8").tobytes()
        return self.cipher.closed([(body, token.encode())])[0] if body else b""

    def keys(self, marks: Mapping[str, Mark]) -> frozenset[int]:
        """Open the pseudonyms of marks.

        Raises:
            StoreError: One was changed.
        """
        found: set[int] = set()
        for token, mark in marks.items():
            if mark.sealed:
                found |= set(np.frombuffer(self.cipher.opened(mark.sealed, token.encode()), "<i8").tolist())
        return frozenset(found)

    def read(self) -> dict[str, Mark]:
        """Read the list, by token.

        Raises:
            StoreError: It cannot be read, was changed, or was written with another key.
        """
        try:
            written = self.file.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self.unread(f"{error.strerror}") from error
        return self.lines(written)

    def lines(self, written: bytes) -> dict[str, Mark]:
        """Read the whole list from its bytes; what somebody was stopped while writing is no line yet.

        Raises:
            StoreError: It was changed, or was written with another key.
        """
        head, _, rest = written.partition(b"\n")
        if head.decode(errors="replace") != self.head:
            raise self.unread(
                "its first line is not ours: it was written with another erasure key, or changed"
            )
        return parsed(rest, self)

    def unread(self, says: str) -> StoreError:
        """Say that the list cannot be used."""
        return StoreError(
            f"the list of who opted out, {self.file}, cannot be read ({says}); put back the list and its key"
        )

    @contextmanager
    def changing(self) -> Iterator[dict[str, Mark]]:
        """Change the list, alone and whole; it lasts when this ends. Marks that are added cost no rewriting.

        Raises:
            StoreError: It cannot be read or written.
        """
        try:
            folder(self.file.parent)
            with self.file.with_name(f"{self.file.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                before = self.read()
                marks = dict(before)
                yield marks
                if marks != before:
                    self.written(before, marks)
        except OSError as error:
            says = f"the list of who opted out, {self.file}, cannot be written ({error}); look at the disk"
            raise StoreError(says) from error

    def written(self, before: Mapping[str, Mark], marks: Mapping[str, Mark]) -> None:
        """Write what has changed: behind what is there where something was only added."""
        new = {token: mark for token, mark in marks.items() if token not in before}
        added = all(marks.get(token) == mark for token, mark in before.items())
        if not added or not self.file.exists():
            whole(self.file, [f"{self.head}\n", *(line(*one) for one in marks.items())], 0o600)
            return
        with self.file.open("r+b") as out:
            said = out.read()
            out.seek(said.rfind(b"\n") + 1)
            out.truncate()
            out.write("".join(line(*one) for one in new.items()).encode())
            out.flush()
            os.fsync(out.fileno())
        durable(self.file.parent)


def line(token: str, mark: Mark) -> str:
    """Write a mark."""
    body = f"{token} {mark.kind} {mark.day} {b64encode(mark.sealed).decode() or NONE}"
    return f"{body} {check(body)}\n"


def check(body: str) -> str:
    """Vouch for a line."""
    return sha256(body.encode()).hexdigest()[:CHECK]


def parsed(written: bytes, of: Marks) -> dict[str, Mark]:
    """Read lines.

    Raises:
        StoreError: One was changed.
    """
    found: dict[str, Mark] = {}
    for text in written.decode(errors="replace").split("\n")[:-1]:
        body, _, vouched = text.rpartition(" ")
        parts: Collection[str] = body.split(" ")
        if check(body) != vouched or len(parts) != 4:
            raise of.unread("a line is not what was written")
        token, kind, day, sealed = parts
        found[token] = Mark(Kind(kind), day, b"" if sealed == NONE else b64decode(sealed))
    return found
