"""A committer that ends itself at a step: `python -m tests.conduct.collecting.killed FOLDER STEP TIMES`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.conduct.collecting.sending import committer

__all__: list[str] = []


def main(folder: Path, step: str, times: int) -> None:
    left = times

    def passing(name: str) -> None:
        nonlocal left
        if name == step:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    one = committer(folder, passing=passing)
    with one.owned():
        while one.flush() is not None:
            pass
        one.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
