"""Files and folders that are still there after the power went."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["durable", "folder"]


def durable(path: Path) -> None:
    """See a file's bytes, or the names in a folder, onto the disk.

    Raises:
        OSError: The disk refuses.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def folder(path: Path) -> None:
    """Make a folder with those above it, so that all of them last: a file is as lost as the folder it is in.

    Raises:
        OSError: The disk refuses.
    """
    made = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for one in made:
        durable(one.parent)
