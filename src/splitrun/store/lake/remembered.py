"""The seen-window of a project and environment, and its copy on disk, which spares a start reading the lake.

The copy is worth no more than that: where it is missing or changed, the window is made anew from the lake.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import numpy as np
from msgspec import MsgspecError, Struct
from msgspec.msgpack import Decoder, encode

from splitrun.errors import StoreError
from splitrun.store.lake.window import Window

__all__ = ["Kept", "Seen"]

FORM = b"splitrun.seen/1\n"


class Kept(Struct, frozen=True):
    """What stands in the file."""

    versions: dict[str, int]
    runs: dict[int, bytes]
    touched: dict[int, int]
    days: dict[int, bytes]


decode = Decoder(Kept).decode


class Seen:
    """Which event ids the tables of one project and environment hold.

    Args:
        file: The copy on disk.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.window, self.versions = Window(), dict[str, int]()
        self.rebuilt = not self.read()
        """Whether there was no copy that could be used."""

    def forget(self) -> None:
        """Begin anew: what was seen is not what the lake holds."""
        self.window, self.versions, self.rebuilt = Window(), {}, True

    def read(self) -> bool:
        """Read the copy; false where it is missing or was changed."""
        try:
            written = self.file.read_bytes()
        except OSError:
            return False
        digest, body = written[len(FORM) : len(FORM) + 32], written[len(FORM) + 32 :]
        if not written.startswith(FORM) or sha256(body).digest() != digest:
            return False
        try:
            found = decode(body)
        except (MsgspecError, UnicodeError):
            return False
        self.versions, window = found.versions, self.window
        window.runs = {of: np.frombuffer(runs, np.uint64) for of, runs in found.runs.items()}
        window.touched = found.touched
        window.days = {day: np.frombuffer(prints, np.uint64) for day, prints in found.days.items()}
        return True

    def keep(self) -> None:
        """Write the copy, whole or not at all.

        Raises:
            StoreError: It cannot be written.
        """
        try:
            self.written()
        except OSError as error:
            says = f"the seen-window {self.file} cannot be written ({error}); the next start takes longer"
            raise StoreError(says) from error

    def written(self) -> None:
        """Write it."""
        window = self.window
        runs = {of: found.tobytes() for of, found in window.runs.items()}
        days = {day: prints.tobytes() for day, prints in window.days.items()}
        body = encode(Kept(self.versions, runs, window.touched, days))
        self.file.parent.mkdir(parents=True, exist_ok=True)
        part = self.file.with_name(f".{self.file.name}.{os.getpid()}.part")
        with part.open("wb") as out:
            out.write(FORM + sha256(body).digest() + body)
            out.flush()
            os.fsync(out.fileno())
        part.replace(self.file)
