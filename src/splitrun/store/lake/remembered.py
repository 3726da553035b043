"""The seen-window on disk: a copy with its digest, so that a start need not read the lake.

It is worth no more than the time that it spares: where it is missing or changed, it is made anew from the lake.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import numpy as np
from msgspec import MsgspecError, Struct
from msgspec.msgpack import Decoder, encode

from splitrun.store.lake.window import Window

__all__ = ["kept", "remembered"]

FORM = b"splitrun.seen/1\n"


class Kept(Struct, frozen=True):
    """What stands in the file."""

    version: int
    """Of the table, up to which it was seen."""
    runs: dict[int, list[int]]
    touched: dict[int, int]
    days: dict[int, bytes]


decode = Decoder(Kept).decode


def kept(file: Path, window: Window, version: int) -> None:
    """Write a window, whole or not at all."""
    days = {day: prints.tobytes() for day, prints in window.days.items()}
    body = encode(Kept(version, window.runs, window.touched, days))
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    with part.open("wb") as out:
        out.write(FORM + sha256(body).digest() + body)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)


def remembered(file: Path) -> tuple[Window, int] | None:
    """Read a window and the version up to which it was seen; none where it is missing or was changed."""
    try:
        written = file.read_bytes()
    except OSError:
        return None
    digest, body = written[len(FORM) : len(FORM) + 32], written[len(FORM) + 32 :]
    if not written.startswith(FORM) or sha256(body).digest() != digest:
        return None
    try:
        found = decode(body)
    except MsgspecError:
        return None
    window = Window()
    window.runs, window.touched = found.runs, found.touched
    window.days = {day: np.frombuffer(prints, np.uint64) for day, prints in found.days.items()}
    return window, found.version
