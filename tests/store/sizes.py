"""How much is tried: little in every run, all of it under `make soak`."""

from __future__ import annotations

import os

__all__ = ["SOAK", "sized"]

SOAK = bool(os.environ.get("SPLITRUN_SOAK"))


def sized(little: int, all_of_it: int) -> int:
    return all_of_it if SOAK else little
