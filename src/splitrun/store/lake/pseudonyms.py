"""Pseudonyms: the first 64 bits of HMAC-SHA-256 over unit type and id, under a key of the installation.

RFC 2104; ids are taken byte for byte. Keys live in files or the environment, never in a database; who has the
lake alone cannot tell a unit, nor try ids out. At 10^9 units 0.03 pairs are expected to share a pseudonym.

Keys are numbered by epoch. One epoch leads: its pseudonym is a row's `unit_key`. Every other epoch whose key
is at hand has a column of its own in the same row: an experiment goes on under the epoch that it began with,
and no row stands twice. A new key waits in such a column until it leads, so that what begins under it has a
history under it as well.
"""

from __future__ import annotations

import os
from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from hmac import digest
from pathlib import Path

from splitrun.errors import StoreError
from splitrun.store.chain.head import whole
from splitrun.store.lasting import durable, folder
from splitrun.store.spool.cipher import KEY_BYTES, secret_file

__all__ = [
    "KEYS",
    "Epoch",
    "Keyring",
    "Pseudonyms",
    "destroyed",
    "epochs",
    "epochs_of",
    "every_epoch",
    "leading",
    "made",
]

KEYS = "SPLITRUN_PSEUDONYM_KEYS"
"""Environment variable: `epoch:base64,…`, or `epoch@date:base64` of one that leads from that day on; it goes
before the key files."""

SEPARATOR = b"\x1f"
REMEMBERED = 500_000
"""Pseudonyms that are kept in memory."""
MOST = 32_767
"""The last epoch that a row can carry."""


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


@dataclass(frozen=True, slots=True)
class Epoch:
    """A key of pseudonyms, and from when on it leads."""

    number: int
    key: bytes = field(repr=False)
    leads: datetime | None = None
    """With its zone; None: from the beginning."""


class Keyring:
    """The keys that are at hand, looked for anew whenever it is asked.

    Args:
        folder: Where `<epoch>.key` files lie.
        now: The clock.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self.folder, self.now = folder, now
        self.known: dict[int, Pseudonyms] = {}

    def current(self) -> tuple[Pseudonyms, ...]:
        """Give the pseudonyms of all epochs, the leading one first, the others in order.

        Raises:
            StoreError: A key cannot be read or made.
        """
        found = epochs(self.folder)
        noted(self.folder, [one for one in found if one.number not in self.known])
        first = leading(found, self.now()).number
        self.known = {
            one.number: self.known.get(one.number) or Pseudonyms(one.number, one.key) for one in found
        }
        return (self.known[first], *(one for number, one in self.known.items() if number != first))


def leading(found: Sequence[Epoch], now: datetime) -> Epoch:
    """Choose the epoch that leads: the newest whose time has come, or else the oldest."""
    return next((one for one in reversed(found) if one.leads is None or one.leads <= now), found[0])


def epochs_of(folder: Path) -> dict[int, bytes]:
    """Read the keys by epoch; where there is none at all, make the first.

    Args:
        folder: Where `<epoch>.key` files lie.

    Raises:
        StoreError: A key cannot be read or made.
    """
    return {one.number: one.key for one in epochs(folder)}


def epochs(folder: Path) -> tuple[Epoch, ...]:
    """Read the epochs in order; where there is none at all, make the first.

    Args:
        folder: Where `<epoch>.key` files lie.

    Raises:
        StoreError: A key cannot be read or made, or is not the one that rows were written with.
    """
    found = known(folder)
    for one in found:
        there = note(folder, one.number)
        if there is not None and there != check(one.key):
            raise StoreError(
                f"the key of epoch {one.number} is not the one that rows of the lake were written with; "
                f"{KEYS} and {folder} have to be those of the server"
            )
    return found


def every_epoch(folder: Path) -> list[Pseudonyms]:
    """Open every key that rows were written with; to look for all rows of a unit takes all of them.

    Raises:
        StoreError: One is not at hand, or cannot be read.
    """
    found = epochs(folder)
    away = noted_in(folder) - {one.number for one in found}
    if away:
        numbers = ", ".join(map(str, sorted(away)))
        raise StoreError(
            f"rows were written with a key of epoch {numbers} that is not at hand here, and would not be "
            f"found; set {KEYS} as the server has it, put the key back into {folder}, or destroy it by "
            "`splitrun keys destroy-pseudonyms`"
        )
    return [Pseudonyms(one.number, one.key) for one in found]


def noted(place: Path, found: Sequence[Epoch]) -> None:
    """Note which keys rows are written with, without telling them, so that nobody looks for rows by others.

    Raises:
        StoreError: It cannot be written.
    """
    for one in found:
        if note(place, one.number) is None:
            file = place / f"{one.number}.check"
            try:
                folder(place)
                whole(file, [f"{check(one.key)}\n"], 0o600)
            except OSError as error:
                says = f"{file} cannot be written ({error.strerror}); look at disk and rights"
                raise StoreError(says) from error


def note(place: Path, number: int) -> str | None:
    """Read what was noted of the key of an epoch; None where nothing was.

    Raises:
        StoreError: It cannot be read.
    """
    file = place / f"{number}.check"
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"{file} cannot be read ({error}); put the file back") from error


def noted_in(place: Path) -> set[int]:
    """Give the epochs whose keys were noted."""
    return {int(file.stem) for file in place.glob("*.check") if file.stem.isdecimal()}


def check(key: bytes) -> str:
    """Say which key it is, without telling it."""
    return sha256(b"splitrun pseudonym key" + key).hexdigest()[:16]


def known(folder: Path) -> tuple[Epoch, ...]:
    """Read the epochs in order; where there is none at all and never was, make the first."""
    written = os.environ.get(KEYS)
    if written:
        found = [parsed(part) for part in written.split(",")]
        if len({one.number for one in found}) < len(found):
            raise StoreError(f"{KEYS} holds an epoch twice; give each key a number of its own")
        return tuple(sorted(found, key=lambda one: one.number))
    names = sorted(int(file.stem) for file in folder.glob("*.key") if file.stem.isdigit())
    if not names and noted_in(folder):
        raise StoreError(
            f"no key of pseudonyms is at hand, though rows were written with one; set {KEYS} as the server "
            f"has it, or put the keys back into {folder}"
        )
    return tuple(
        Epoch(one, secret_file(folder / f"{one}.key"), since(folder / f"{one}.leads")) for one in names or [1]
    )


def since(file: Path) -> datetime | None:
    """Read from when on an epoch leads; None where nothing is written.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        return moment(file.read_text().strip())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise StoreError(f"{file} does not say from when on its epoch leads; put the file back") from None


def moment(text: str) -> datetime:
    """Read a day or a moment; without a zone it is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def made(place: Path, number: int, leads: datetime) -> Epoch:
    """Make the key of an epoch; one that is there already stays.

    Args:
        place: Where `<epoch>.key` files lie.
        number: Of the epoch.
        leads: From when on it leads, with its zone.

    Raises:
        StoreError: It cannot be written, or rows can carry no such number.
    """
    if number > MOST:
        raise StoreError(f"rows can carry epochs up to {MOST:,}; {number:,} is one too many")
    key, file = place / f"{number}.key", place / f"{number}.leads"
    try:
        folder(place)
        if not key.exists():  # whoever finds the key finds from when on it leads
            file.write_text(leads.astimezone(UTC).isoformat())
            durable(file)
    except OSError as error:
        raise StoreError(f"{file} cannot be written ({error.strerror}); look at disk and rights") from error
    return Epoch(number, secret_file(key), since(file))


def destroyed(place: Path, number: int) -> None:
    """Destroy the key of an epoch; what is not there is not missed.

    Args:
        place: Where `<epoch>.key` files lie.
        number: Of the epoch.

    Raises:
        StoreError: It cannot be removed.
    """
    try:
        for ending in ("key", "leads", "check"):
            file = place / f"{number}.{ending}"
            file.unlink(missing_ok=True)
        durable(place)
    except OSError as error:
        raise StoreError(
            f"the key of epoch {number} in {place} cannot be removed ({error.strerror})"
        ) from error


def parsed(part: str) -> Epoch:
    """Read `epoch:base64` or `epoch@date:base64`; nothing of the key is told in an error.

    Raises:
        StoreError: It is none.
    """
    name, _, key = part.strip().partition(":")
    epoch, _, day = name.partition("@")
    try:
        secret, leads = b64decode(key, validate=True), moment(day) if day else None
    except (Error, ValueError):
        secret, leads = b"", None
    if not epoch.isdecimal() or len(secret) != KEY_BYTES or int(epoch) > MOST:
        raise StoreError(
            f"{KEYS} does not hold epochs and keys; write it like 1:BASE64,2@2026-12-28:BASE64 with "
            f"{KEY_BYTES} bytes each"
        )
    return Epoch(int(epoch), secret, leads)
