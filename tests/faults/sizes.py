"""How much the suite does: a selection in `make test`, all of it in `make faults`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

__all__ = ["FULL", "MEMORY", "figures", "sized"]

FULL = os.environ.get("SPLITRUN_FAULTS") == "full"

MEMORY = next((one for one in (Path("/dev/shm"),) if one.is_dir()), None)  # noqa: S108  # a folder that no disk is waited for


def sized(selection: int, full: int) -> int:
    """Choose a number."""
    return full if FULL else selection


def figures(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Print the figures of a run."""
    with capsys.disabled():
        print(f"\n{text}")  # noqa: T201  # that is what it is for
