"""The shim of `shim.c`: compiled where there is a compiler, armed from outside of its process."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from enum import IntEnum
from functools import cache
from hashlib import sha256
from mmap import mmap
from pathlib import Path

__all__ = ["ABSENT", "Call", "Control", "environment"]

SOURCE = Path(__file__).with_name("shim.c")
ABSENT = None if shutil.which("cc") else "there is no C compiler: the tests of failing calls are skipped"
FORM = struct.Struct("6i")


class Call(IntEnum):
    """What of a disk is asked."""

    OPEN = 1
    WRITE = 2
    SYNC = 3
    ENTRY = 4
    """Rename, link, make or remove."""


@cache
def compiled() -> Path:
    """Compile it, once for each text of it and user."""
    digest = sha256(SOURCE.read_bytes()).hexdigest()[:16]
    made = Path(tempfile.gettempdir()) / f"splitrun-shim-{os.getuid()}-{digest}.so"
    if not made.exists():
        part = made.with_suffix(f".{os.getpid()}")
        flags = ("-O2", "-shared", "-fPIC", "-D_GNU_SOURCE")
        subprocess.run(["cc", *flags, "-o", str(part), str(SOURCE), "-ldl", "-lpthread"], check=True)  # noqa: S607  # wherever it is
        part.replace(made)
    return made


def environment(root: Path, *, log: Path | None = None, control: Path | None = None) -> dict[str, str]:
    """Give the variables of a process in which it stands.

    Args:
        root: What lies below is watched.
        log: Where it writes down what is asked.
        control: Of a `Control`.
    """
    named = {"SHIM_LOG": log, "SHIM_CONTROL": control}
    said = {name: str(path) for name, path in named.items() if path is not None}
    return {**os.environ, "LD_PRELOAD": str(compiled()), "SHIM_ROOT": str(root), **said}


class Control:
    """Arms the shim of a process that was started with this file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        if not file.exists():
            file.write_bytes(bytes(4096))
        with file.open("r+b") as opened:
            self.shared = mmap(opened.fileno(), 4096)

    def arm(self, call: Call, error: int, number: int, forever: bool) -> None:  # noqa: FBT001  # a fault as it is drawn
        """Have the n-th call of a kind fail, or all from it on."""
        FORM.pack_into(self.shared, 0, 0, error, number, forever, 0, 0)
        FORM.pack_into(self.shared, 0, call, error, number, forever, 0, 0)

    def disarm(self) -> None:
        """Have every call work again."""
        struct.pack_into("i", self.shared, 0, 0)

    def told(self) -> tuple[int, int]:
        """How many calls failed, and how many of the kind there were since it was armed."""
        *_, hits, calls = FORM.unpack_from(self.shared)
        return hits, calls
