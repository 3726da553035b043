"""Readouts to show: a rich one, one that is stopped, and one whose labels are hostile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from splitrun.check.doubts import doubts
from splitrun.check.evidence import Evidence
from splitrun.judge.reading import readout
from splitrun.judge.readout import Readout
from splitrun.measure.measured import Dirt
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Mode
from splitrun.spec.plan import PlannedMetric
from tests.check.worlds import guardrail, measured, ones, plan, primary, secondary

__all__ = ["HOSTILE", "METRICS", "hostile", "rich", "stopped"]

HOSTILE = "no\x1b[31m<script>alert('x')</script>\u202e\n\"&"
MADE_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
UNITS = (320, 303, 1200, 1011)
NO_DIRT = Dirt()
METRICS: tuple[PlannedMetric, ...] = (
    primary(mei=Size(value=0.05, relative=False)),
    guardrail("load_p95", Size(value=0.02, relative=True)),
    guardrail("errors", Size(value=0.5, relative=False), mode=Mode.WATCH),
    secondary("revenue"),
    secondary("pages.per.visit.with.a.very.long.name"),
)


def rich(
    *, dirt: Dirt = NO_DIRT, first: str = "no", exposed: tuple[int, int] = (623, 2211), known: bool = False
) -> Readout:
    """Thornton's shares by distance, with made-up companions: a metric of each role, a segment, doubts."""
    of = plan(METRICS, segments=["near"]).model_copy(update={"weights_known": known})
    world = measured(
        {
            "fetched": [ones(100, 320), ones(111, 303), ones(900, 1200), ones(845, 1011)],
            "load_p95": spread(100.0, -0.3, 9.0),
            "errors": spread(3.0, 0.02, 1.0),
            "revenue": spread(0.0, 0.3, 9.0),
            "pages.per.visit.with.a.very.long.name": spread(5.0, -0.5, 1.0),
        },
        segment="near",
        levels=(first, "yes"),
        dirt=dirt,
    )
    fetched = replace(world.columns["fetched"], missing=np.array([56, 11]))
    world = replace(world, columns={**world.columns, "fetched": fetched}, exposed=np.array(exposed))
    found = doubts(Evidence(of, world))
    return readout(of, world, found, made_at=MADE_AT, versions={"splitrun": "0.1.0"})


def stopped() -> Readout:
    """The same with equal weights, under which 623 against 2,211 units are a broken split."""
    return rich(known=True)


def hostile() -> Readout:
    """The same with labels that want to be obeyed."""
    return rich(first=HOSTILE, dirt=Dirt(exposure_rows=9, unknown_variants=((HOSTILE, 3),)))


def spread(mean: float, effect: float, sd: float) -> list[npt.NDArray[np.float64]]:
    """Values evenly spread around a mean in control, and around mean and effect in the treatment."""
    return [
        np.asarray(level + sd * np.sqrt(3) * np.linspace(-1, 1, units))
        for level, units in zip((mean, mean, mean + effect, mean + effect), UNITS, strict=True)
    ]
