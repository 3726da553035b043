"""API keys in a file of the state folder. Only SHA-256 of a secret is kept; it is compared in constant time.

A key reads `sr_<id>_<secret>`: it is looked up by its id, so the time of a comparison tells nothing of it.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Literal

from msgspec import MsgspecError, Struct
from msgspec.json import decode, encode
from msgspec.json import format as indented
from msgspec.structs import replace

from splitrun.errors import StoreError
from splitrun.store.chain.head import whole
from splitrun.store.lock import in_turn

__all__ = ["BEARER", "AccessKey", "AccessKeys", "Made", "Scope", "drawn"]

log = logging.getLogger("splitrun.access")

PREFIX = "sr"
BEARER = b"Bearer "
LOOK = 0.5
"""Seconds until a key that another process made or revoked is noticed."""
NOBODY = sha256(b"").hexdigest()
"""Compared with where there is no such key, so that it takes as long."""


class Scope(StrEnum):
    """What a key is good for."""

    SDK = "sdk"
    """Rulesets and evaluation."""
    EVALUATE = "evaluate"
    """Evaluation alone: for pages in browsers, which must not read rules."""
    INGEST = "ingest"
    """Sending exposures and events."""
    READ = "read"
    """Reading what the verbs tell."""
    ADMIN = "admin"
    """All of it, and changing things."""


class AccessKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A key as it is kept."""

    id: str
    """12 hexadecimal digits; not secret."""
    name: str
    hash: str
    """SHA-256 of the secret, hexadecimal."""
    scopes: tuple[Scope, ...]
    project: str
    environment: str
    at: str
    """When it was made."""
    revoked: str | None = None
    """When it was revoked."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new key, and the only time its secret is told."""

    key: AccessKey
    secret: str
    """As a client sends it: `sr_<id>_<secret>`."""


def drawn(name: str, scopes: tuple[Scope, ...], project: str, environment: str, at: str) -> Made:
    """Draw a key; it opens nothing until it is kept, and its secret never is."""
    key, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    return Made(
        AccessKey(key, name, digest(secret), scopes, project, environment, at), f"{PREFIX}_{key}_{secret}"
    )


class Kept(Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    keys: tuple[AccessKey, ...] = ()
    form: Literal["splitrun.access/1"] = "splitrun.access/1"
    sum: str = ""
    """SHA-256 over the keys as JSON; a file without it is taken as it is."""


def summed(keys: tuple[AccessKey, ...]) -> str:
    """Give what tells whether keys are as they were written."""
    return sha256(encode(keys)).hexdigest()


class AccessKeys:
    """The API keys of a state folder.

    Args:
        file: Where they are kept, readable for its owner only.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.seen: tuple[int, int] = (0, 0)
        self.looked = 0.0
        self.known: dict[str, AccessKey] = {}
        self.proofs: dict[bytes, AccessKey] = {}
        """By SHA-256 of a header that carried it; no more than there are keys."""

    def listed(self) -> tuple[AccessKey, ...]:
        """All keys, the oldest first.

        Raises:
            StoreError: The file cannot be read, or is none of ours.
        """
        try:
            kept = decode(self.file.read_bytes(), type=Kept)
        except FileNotFoundError:
            return ()
        except (OSError, MsgspecError, UnicodeError) as error:
            raise StoreError(
                f"the keys in {self.file} cannot be read ({error}); put the file back"
            ) from error
        if kept.sum and kept.sum != summed(kept.keys):
            raise StoreError(f"the keys in {self.file} are not what was written; put the file back")
        return kept.keys

    @contextmanager
    def changing(self) -> Iterator[list[AccessKey]]:
        """Change the list, alone and whole."""
        with in_turn(self.file.with_name(f"{self.file.name}.lock")):
            keys = list(self.listed())
            yield keys
            whole(
                self.file, [indented(encode(Kept(tuple(keys), sum=summed(tuple(keys)))), indent=2).decode()]
            )
            self.file.chmod(0o600)
        self.looked = 0.0

    def new(self, name: str, scopes: tuple[Scope, ...], project: str, environment: str, at: str) -> Made:
        """Make a key and let it in; its secret is not kept."""
        made = drawn(name, scopes, project, environment, at)
        self.keep(made.key)
        return made

    def keep(self, one: AccessKey) -> None:
        """Let a key in from now on."""
        with self.changing() as keys:
            keys.append(one)

    def revoke(self, id_or_name: str, at: str) -> AccessKey | None:
        """Revoke a key; none where there is none of that id or name that is not revoked."""
        with self.changing() as keys:
            for place, one in enumerate(keys):
                if id_or_name in {one.id, one.name} and one.revoked is None:
                    keys[place] = replace(one, revoked=at)
                    return keys[place]
        return None

    def holder(self, written: str) -> AccessKey | None:
        """Find whose key it is; none where it is nobody's, or was revoked.

        Args:
            written: As the client sent it.
        """
        self.refresh()
        _, _, rest = written.partition("_")
        name, _, secret = rest.partition("_")
        key = self.known.get(name)
        same = hmac.compare_digest(digest(secret), NOBODY if key is None else key.hash)
        return key if same and key is not None and key.revoked is None else None

    def proved(self, header: bytes) -> AccessKey | None:
        """Find whose key a header carries that was proved before, while no key has changed since.

        It is looked up by its SHA-256, of which nothing can be told from how long it takes.

        Args:
            header: An `Authorization` header that begins with `BEARER`.
        """
        self.refresh()
        name = sha256(header).digest()
        found = self.proofs.get(name)
        if found is None:
            found = self.holder(header.removeprefix(BEARER).decode("latin-1"))
            if found is not None:
                self.proofs[name] = found
        return found

    def refresh(self) -> None:
        """Read the file again where it has changed; asked for at most once in `LOOK` seconds.

        What cannot be read is told once, and the keys that were read last stand.
        """
        now = monotonic()
        if self.looked and now - self.looked < LOOK:
            return
        self.looked = now
        try:
            state = self.file.stat()
        except OSError:
            self.known, self.seen = {}, (0, 0)
            self.proofs.clear()
            return
        if (state.st_mtime_ns, state.st_ino) != self.seen:
            self.seen = (state.st_mtime_ns, state.st_ino)
            self.proofs.clear()
            try:
                self.known = {one.id: one for one in self.listed()}
            except StoreError as error:
                log.error("%s", error)  # noqa: TRY400  # the reason stands in it


def digest(secret: str) -> str:
    """Hash a secret. It has 256 random bits, so that no slow hash is needed."""
    return sha256(secret.encode()).hexdigest()
