"""An erasure that ends itself: `python -m tests.conduct.people.killed FOLDER STEP TIMES UNIT...`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from splitrun.conduct.people.forgetting import Why, forget
from splitrun.sdk.event import Unit

__all__: list[str] = []


def main(folder: Path, step: str, times: int, units: list[str]) -> None:
    left = times

    def passing(name: str) -> None:
        nonlocal left
        if name == step:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    wanted = [Unit("user", one) for one in units]
    forget(wanted, folder, Why("request 7", "ann"), passing=passing)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:])
