"""How much the suite does: a selection in `make test`, all of it in `make faults`."""

from __future__ import annotations

import os

__all__ = ["FULL", "sized"]

FULL = os.environ.get("SPLITRUN_FAULTS") == "full"


def sized(selection: int, full: int) -> int:
    """Choose a number."""
    return full if FULL else selection
