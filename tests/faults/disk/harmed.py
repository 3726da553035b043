"""A process in which the shim stands: `python -m tests.faults.disk.harmed record|fail FOLDER …`."""

from __future__ import annotations

import errno
import json
import os
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from traceback import format_exception

from tests.faults.disk.journal import ANSWERED
from tests.faults.disk.shim import Call, Control
from tests.faults.disk.small import Small, held, mended
from tests.faults.process import laid

__all__ = ["FAULTS", "main"]

Fault = tuple[Call, int, int, bool]
"""What fails, how, the n-th time, and whether from then on."""

FAULTS = (
    (Call.OPEN, errno.EMFILE),
    (Call.OPEN, errno.EIO),
    (Call.WRITE, errno.ENOSPC),
    (Call.WRITE, errno.EIO),
    (Call.SYNC, errno.EIO),
    (Call.ENTRY, errno.EROFS),
    (Call.ENTRY, errno.ENOSPC),
)


def recorded(root: Path, rounds: int, batches: int) -> None:
    """Live while all is written down; each answer is written beside."""
    answered = os.open(root / ANSWERED, os.O_WRONLY | os.O_CREAT)

    def told(number: int) -> None:
        os.write(answered, str(number).encode())

    one = Small(root, told)
    one.live(rounds, batches)
    assert one.refusals == []


def failing(root: Path, control: Control, step: int, start: int) -> None:
    """Live once for each n-th call of each kind that fails; print what became of it."""
    for (call, error), forever in product(FAULTS, (False, True)):
        number, due = start, True
        while due:
            said = {"call": call.name, "error": errno.errorcode[error], "number": number, "forever": forever}
            due, found = lived(root, control, (call, error, number, forever))
            print(json.dumps({**said, **found}), flush=True)  # noqa: T201  # read by the test
            number += step


def lived(root: Path, control: Control, fault: Fault) -> tuple[bool, dict[str, object]]:
    """Live once; whether a call failed, and what became of it."""
    answered: list[int] = []
    wrong = ""
    with TemporaryDirectory(dir=root) as folder:
        one = Small(Path(folder), answered.append)
        laid(one.root)
        control.arm(*fault)
        try:
            one.live(2, 2)
        except Exception as error:  # noqa: BLE001  # nothing but our own words is allowed
            wrong = "".join(format_exception(error)[-6:])
        hits, _ = control.told()
        control.disarm()
        try:
            mended(one.root)
            wrong = wrong or held(one.root, answered)
        except Exception as error:  # noqa: BLE001  # whatever it is, it did not begin again
            wrong = wrong or "".join(format_exception(error)[-6:])
    return hits > 0, {"answered": len(answered), "refusals": len(one.refusals), "wrong": wrong}


def main(words: list[str]) -> None:
    """Do as told."""
    match words:
        case ["record", root, rounds, batches]:
            recorded(Path(root), int(rounds), int(batches))
        case ["fail", root, control, step, start]:
            failing(Path(root), Control(Path(control)), int(step), int(start))
        case _:
            sys.exit(f"no such words: {words}")


if __name__ == "__main__":
    main(sys.argv[1:])
