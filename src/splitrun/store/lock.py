"""A file that one process holds, so that no other does the same."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from splitrun.errors import StoreError
from splitrun.store.lasting import folder

__all__ = ["alone", "in_turn"]


@contextmanager
def alone(lock: Path) -> Iterator[bool]:
    """Hold a file; false where another process does.

    Raises:
        StoreError: It cannot be opened.
    """
    try:
        folder(lock.parent)
        held = lock.open("w")
    except OSError as error:
        raise StoreError(f"the file {lock} cannot be opened ({error}); look at disk and rights") from error
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


@contextmanager
def in_turn(lock: Path) -> Iterator[None]:
    """Hold a file, once no other process does.

    Raises:
        OSError: It cannot be opened; what cannot be written therefore, the caller knows.
    """
    folder(lock.parent)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
