"""How many units had matured at each planned look."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from splitrun.measure.outcomes.numbers import Numbers
from splitrun.measure.sql import Work, choice, column, relation, select, tree, whole
from splitrun.moments import IntArray
from splitrun.spec.plan import PlannedMetric

__all__ = ["matured"]


def matured(work: Work, numbers: Numbers, outcomes: str) -> dict[str, IntArray]:
    """Count the units with an outcome, of all variants, at each planned look up to `as_of`.

    Args:
        work: Where SQL runs.
        numbers: The plan's numbers.
        outcomes: The table with `start` and the metrics' columns, unit by unit.

    Returns:
        By metric key, shape (looks,); nothing without times.
    """
    if not numbers.timed or numbers.first is None:
        return {}
    looks = numbers.looks()
    spans: dict[timedelta | None, list[tuple[int, PlannedMetric]]] = {}
    for place, planned in enumerate(numbers.plan.metrics):
        spans.setdefault(planned.metric.matures, []).append((place, planned))
    found: dict[str, IntArray] = {}
    for alike in spans.values():
        counts = np.zeros((len(looks) + 1, len(alike)), dtype=np.int64)
        if looks:
            # which look is the first at which the unit had matured; the last number: none
            turn = choice(
                ((numbers.mature(alike[0][1], at), whole(look)) for look, at in enumerate(looks)),
                otherwise=whole(len(looks)),
            )
            named = [("look", turn)]
            named += [(f"n{place}", tree("COUNT(:x)", x=column(f"x{place}_0"))) for place, _ in alike]
            query = select(named, relation(outcomes, "u")).group_by(tree("1"))
            for row in work.ask("units matured at the looks", query).to_pylist():
                counts[int(row["look"])] = [int(row[f"n{place}"]) for place, _ in alike]
        found |= {planned.key: np.cumsum(counts[:-1, each]) for each, (_, planned) in enumerate(alike)}
    return found
