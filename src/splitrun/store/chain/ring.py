"""Keys that sign: Ed25519, a file for each private one (mode 0600), and one file of the public ones."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from re import compile as pattern
from typing import Literal, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from msgspec import MsgspecError, Struct
from msgspec.json import decode, encode
from msgspec.json import format as indented

from splitrun.errors import StoreError
from splitrun.store.canonical import as_text
from splitrun.store.chain.head import whole
from splitrun.store.lock import in_turn

__all__ = ["KeyFiles", "LoneKey", "PublicKey", "Ring", "Signer", "holds", "public_keys"]

NAME = pattern(r"[a-z0-9][a-z0-9._-]{0,63}")
PUBLIC = "public.json"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What may be told of a key."""

    name: str
    public: str
    """32 bytes, base64."""
    at: str
    """When it was made."""
    retired: str | None = None
    """When it was retired."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, by name."""

    name: str
    key: Ed25519PrivateKey

    @property
    def public(self) -> str:
        """The public part: 32 bytes, base64."""
        return b64encode(self.key.public_key().public_bytes_raw()).decode()

    def signature(self, data: bytes) -> str:
        """Sign some bytes; base64."""
        return b64encode(self.key.sign(data)).decode()


class Ring(Protocol):
    """The private keys that somebody holds, and the public ones that are trusted."""

    @property
    def public(self) -> dict[str, str]:
        """Public keys by name, as they are kept outside of the database."""
        ...

    def signer(self, among: Collection[str] | None) -> Signer:
        """The newest key that is not retired.

        Args:
            among: Names to choose from; None: any.

        Raises:
            StoreError: There is none, or it cannot be read.
        """
        ...


class LoneKey:
    """One key in memory, made anew; for tests and tutorials."""

    def __init__(self, name: str = "lone") -> None:
        self._signer = Signer(name, Ed25519PrivateKey.generate())

    @property
    def public(self) -> dict[str, str]:
        """The public key by name, as `verify` takes it."""
        return {self._signer.name: self._signer.public}

    def signer(self, among: Collection[str] | None) -> Signer:
        """The key.

        Raises:
            StoreError: It is not among those asked for.
        """
        if among is not None and self._signer.name not in among:
            raise unknown(among, [self._signer.name], "memory")
        return self._signer


class Listed(Struct, frozen=True, forbid_unknown_fields=True):
    """The file of public keys."""

    form: Literal["splitrun.keys/1"]
    keys: tuple[PublicKey, ...]


class KeyFiles:
    """Keys in a folder: `NAME.pem` for each private one, `public.json` for the public ones."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, Signer] = {}

    def listed(self) -> tuple[PublicKey, ...]:
        """The keys of the folder in the order they were made.

        Raises:
            StoreError: The file of public keys is none.
        """
        return public_keys(self._folder / PUBLIC)

    @property
    def public(self) -> dict[str, str]:
        """The public keys of the folder by name.

        Raises:
            StoreError: The file of public keys is none.
        """
        return {key.name: key.public for key in self.listed()}

    def new(self, name: str, at: datetime) -> PublicKey:
        """Make a key; one of this name that is there already is given as it is.

        Raises:
            StoreError: The name cannot be taken, or nothing can be written.
        """
        if not NAME.fullmatch(name):
            raise StoreError(
                f"{name[:80]!r} is no name of a key; write small letters, digits, dots, dashes, at most 64"
            )
        with self._changing():
            known = {one.name: one for one in self.listed()}
            if name in known:
                return known[name]
            path = self._folder / f"{name}.pem"
            key = Signer(name, self._private(path) if path.exists() else made(path))
            one = PublicKey(name, key.public, as_text(at))
            self._list((*known.values(), one))
            return one

    def retire(self, name: str, at: datetime) -> None:
        """Mark a key as retired; it signs no more. The private file stays until somebody destroys it."""
        with self._changing():
            self._list(
                tuple(
                    replace(one, retired=one.retired or as_text(at)) if one.name == name else one
                    for one in self.listed()
                )
            )

    def signer(self, among: Collection[str] | None) -> Signer:
        """The newest key of the folder that is not retired.

        Raises:
            StoreError: There is none, or its file cannot be read or is open to others.
        """
        own = [one.name for one in self.listed() if one.retired is None]
        usable = [name for name in own if among is None or name in among]
        if not usable:
            raise unknown(among or (), own, str(self._folder))
        name = usable[-1]
        if name not in self._read:
            self._read[name] = Signer(name, self._private(self._folder / f"{name}.pem"))
        return self._read[name]

    def _private(self, path: Path) -> Ed25519PrivateKey:
        try:
            if path.stat().st_mode & 0o077:
                raise StoreError(f"the private key {path} is open to others; run: chmod 600 {path}")
            key = load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            raise StoreError(
                f"the private key {path} cannot be read ({error}); put the file back, or make another key "
                "with `splitrun keys new` where an announced one is"
            ) from error
        match key:
            case Ed25519PrivateKey():
                return key
            case _:
                raise StoreError(f"{path} is no Ed25519 key; put the right file back")

    def _list(self, keys: tuple[PublicKey, ...]) -> None:
        whole(self._folder / PUBLIC, indented(encode(Listed("splitrun.keys/1", keys))).decode() + "\n")

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Change the folder once no other process does: of two that begin at once both get the same key."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with in_turn(self._folder / "keys.lock"):
                yield
        except OSError as error:
            raise StoreError(
                f"{self._folder / PUBLIC} cannot be written ({error.strerror}); look at disk and rights"
            ) from error


def public_keys(path: Path) -> tuple[PublicKey, ...]:
    """Read a file of public keys; none where there is no file.

    Raises:
        StoreError: The file is none.
    """
    try:
        return decode(path.read_bytes(), type=Listed).keys
    except FileNotFoundError:
        return ()
    except (OSError, MsgspecError, RecursionError, UnicodeError) as error:
        raise StoreError(f"{path} is no file of public keys ({error}); put it back") from error


def made(path: Path) -> Ed25519PrivateKey:
    """Make a private key and its file, which nobody else may read.

    Raises:
        StoreError: The file cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        whole(path, text, mode=0o600)
        os.chmod(path, 0o600)  # noqa: PTH101 - a generous umask cannot widen it, a narrow one is widened to 0600
    except OSError as error:
        raise StoreError(
            f"no key can be written to {path} ({error.strerror}); look at disk and rights"
        ) from error
    return key


def unknown(among: Collection[str], own: Collection[str], where: str) -> StoreError:
    """Say that no key here may sign."""
    if among and not own:
        return StoreError(
            f"the registry is signed by {', '.join(sorted(among))}, and {where} holds no key that signs; "
            "bring the folder of keys back, from its copy or another machine; till then it is only read"
        )
    if not own:
        return StoreError(f"there is no key in {where}; run `splitrun keys new`, or bring the folder of keys")
    return StoreError(
        f"the registry knows the keys {', '.join(sorted(among))}, and {where} holds "
        f"{', '.join(sorted(own))}; announce this one with `splitrun keys new` where an announced one is, "
        "or bring the folder of keys"
    )


@lru_cache(maxsize=64)
def readable(public: str) -> Ed25519PublicKey:
    """Read a public key; kept, since a chain has many signatures by few keys."""
    return Ed25519PublicKey.from_public_bytes(b64decode(public, validate=True))


def holds(public: str, signature: str, data: bytes) -> bool:
    """Whether a signature is by this key and over these bytes."""
    try:
        readable(public).verify(b64decode(signature, validate=True), data)
    except (InvalidSignature, Error, ValueError):
        return False
    return True
