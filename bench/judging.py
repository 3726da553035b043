"""The statistics step alone: no data is read, everything is numpy over cells."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from splitrun.infer.adjustment import adjusted
from splitrun.infer.contrast import difference, lift
from splitrun.judge.reading import readout
from splitrun.judge.readings import every_reading
from splitrun.measure.measured import Measured
from splitrun.moments import Moments
from splitrun.spec.plan import Plan

__all__ = ["judged", "many_cells"]

METRICS, VARIANTS, LEVELS, DAYS = 100, 4, 20, 30


def judged(plan: Plan, measured: Measured) -> dict[str, float]:
    """CPU seconds of every effect of a plan with its intervals, and of the readout that tells of them."""
    made_at = datetime(2026, 2, 1, tzinfo=UTC)
    done = readout(plan, measured, (), made_at=made_at, versions={})
    return {
        "comparisons": float(len(done.comparisons)),
        "effects": fastest(lambda: every_reading(plan, measured), 30),
        "readout": fastest(lambda: readout(plan, measured, (), made_at=made_at, versions={}), 10),
    }


def many_cells() -> float:
    """Seconds of CPU for effects of 100 metrics x 3 treatments x 20 levels x 30 days, each adjusted."""
    rng = np.random.default_rng(20260101)
    cells = LEVELS * DAYS
    variants = [drawn(rng, cells) for _ in range(VARIANTS)]

    def all_effects() -> None:
        for _ in range(METRICS):
            control, *treatments = variants
            for treatment in treatments:
                read = adjusted(control, treatment, covariates=1)
                difference(read.control, read.treatment, level=0.95)
                lift(read.control, read.treatment, level=0.95)

    return fastest(all_effects, 3)


def drawn(rng: np.random.Generator, cells: int) -> Moments:
    """Moments of a metric and its covariate over cells of 50 units."""
    values = rng.gamma(2.0, 3.0, size=(cells, 50, 1)) + rng.normal(size=(cells, 50, 2))
    return Moments.stacked([Moments.of(each) for each in values])


def fastest(work: Callable[[], object], times: int) -> float:
    """CPU seconds of the fastest of so many runs: what others do on the machine can only add to it."""
    took = []
    for _ in range(times):
        begun = time.process_time()
        work()
        took.append(time.process_time() - begun)
    return min(took)
