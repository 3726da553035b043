"""How often units of each variant withdrew their consent after exposure, as the intake counted it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from splitrun.collect.privacy.consent import withdrew
from splitrun.conduct.collecting.assembled import spool_of
from splitrun.conduct.workspace import root_of
from splitrun.moments import IntArray
from splitrun.spec.plan import Plan

__all__ = ["withdrawn"]


def withdrawn(place: Path, lake: str | None, plan: Plan, moment: datetime | None) -> IntArray | None:
    """Count withdrawals by variant, shape (variants,); None where this machine has no spool.

    Args:
        place: A folder of the project.
        lake: The folder of the environment's lake, or its URL; None: there is no project.
        plan: Whose variants are meant.
        moment: Count the days up to that of this moment, in UTC; None: all.

    Raises:
        BusyError: The spool is locked.
        StoreError: It cannot be read.
    """
    root = root_of(place)
    if lake is None or root is None or not (root / "state" / "spool.db").is_file():
        return None
    project, environment = lake.rstrip("/").rsplit("/", 2)[1:]
    last = "9" if moment is None else moment.astimezone(UTC).date().isoformat()
    names = [withdrew(plan.key, plan.delivery.version, one.key) for one in plan.variants]
    found: Counter[str] = Counter()
    for day, of, where, _, reason, times in spool_of(root).counts():
        if (of, where) == (project, environment) and day <= last:
            found[reason] += times
    return np.array([found[name] for name in names], np.int64)
