"""What a power cut leaves of a table's log is taken away: entries and checkpoints the disk never had whole.

Nobody was told of them: parcels are forgotten, and logs cleaned up, only after their digest was noted.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import DecodeError
from msgspec.json import decode

from splitrun.store.lake.digests import LOG, NOTES, unnoted
from splitrun.store.lasting import durable

__all__ = ["mended"]

POINTER = "_last_checkpoint"


def mended(root: Path) -> None:
    """Take away entries that are not whole, and checkpoints, where their digest was never noted.

    Args:
        root: Folder of a table on this machine, which cannot be opened.

    Raises:
        OSError: The disk refuses.
    """
    log = root / LOG
    if not log.is_dir():
        return
    for name in unnoted(root):
        if name.endswith(".parquet"):
            (log / name).unlink()
            (log / POINTER).unlink(missing_ok=True)
        elif not whole(log / name):
            (log / name).unlink()
    durable(log)
    notes = root / NOTES
    if notes.exists() and not (said := notes.read_bytes()).endswith(b"\n"):
        notes.write_bytes(said[: said.rfind(b"\n") + 1])
        durable(notes)


def whole(entry: Path) -> bool:
    """Whether every line of an entry is JSON, and there is one."""
    lines = entry.read_bytes().splitlines()
    try:
        for line in lines:
            decode(line)
    except (DecodeError, UnicodeError):
        return False
    return bool(lines)
