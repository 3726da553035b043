"""How many units by the variant that each met first, over their exposures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from splitrun.store.lake.reading import under
from splitrun.store.people.journal import Arms

__all__ = ["COLUMNS", "arms", "firsts", "oldest"]

COLUMNS = ["unit_key", "time", "experiment", "version", "variant", "trigger", "enrolling"]
"""What of an exposure is read for it."""

Named = tuple[str, int]
"""Experiment and version."""


def firsts(parts: Iterable[pa.Table], roots: Mapping[int, int]) -> dict[Named, Counter[str]]:
    """Count units by experiment and version, and by the variant of their first exposure.

    Args:
        parts: Exposures, with `COLUMNS`; triggers, and exposures while nobody was enrolled, do not count.
        roots: The key of the unit that a key belongs to, where ids are linked.
    """
    met: dict[tuple[str, int, int], tuple[datetime, str]] = {}
    for part in parts:
        for row in part.select(COLUMNS).to_pylist():
            if row["trigger"] or not row["enrolling"]:
                continue
            name = (row["experiment"], row["version"], roots.get(row["unit_key"], row["unit_key"]))
            now = (row["time"], row["variant"])
            met[name] = min(met.get(name, now), now)
    found: dict[Named, Counter[str]] = {}
    for (experiment, version, _), (_, variant) in met.items():
        found.setdefault((experiment, version), Counter())[variant] += 1
    return found


def oldest(part: pa.Table, epochs: Sequence[int]) -> pa.Table:
    """Give each row the pseudonym of the oldest epoch that it has: a unit has one in every epoch, and is one.

    Args:
        part: Rows with `unit_key`, `epoch` and the columns of other epochs.
        epochs: Whose keys are at hand.
    """
    known = [under(part, "unit_key", epoch) for epoch in epochs]
    place = part.column_names.index("unit_key")
    return part.set_column(place, "unit_key", pc.coalesce(*known, part["unit_key"]))


def arms(environment: str, parts: Iterable[pa.Table], roots: Mapping[int, int]) -> list[Arms]:
    """Write these counts for the certificate, in order."""
    counted = sorted(firsts(parts, roots).items())
    return [Arms(environment, *named, dict(sorted(units.items()))) for named, units in counted]
