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
from splitrun.measure.measured import CapOrigin, Capping, Clusters, ClusterSums, Dirt
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Adjust, Mode
from splitrun.spec.metric import Mean
from splitrun.spec.model import Direction
from splitrun.spec.plan import PlannedMetric
from tests.check.worlds import guardrail, measured, ones, plan, primary, ratio, secondary

__all__ = ["HOSTILE", "METRICS", "beside", "hostile", "rich", "stopped"]

HOSTILE = "no\x1b[31m<script>alert('x')</script>\u202e\n\"&"
MADE_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
UNITS = (320, 303, 1200, 1011)
NO_DIRT = Dirt()
SPEND = Mean(kind="mean", source="exposures", value="v", better=Direction.HIGHER)
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


def beside(*, orders: float = 4.0) -> Readout:
    """A world whose estimates carry everything that can stand beside an effect.

    Args:
        orders: Mean of what the ratio is over, in the treatment; 4 in control.
    """
    rng = np.random.default_rng(4)
    spend = [np.stack([2 * x + rng.normal(size=300), x], axis=1) for x in rng.normal(size=(2, 300))]
    pairs = [np.column_stack([rng.normal(20, 5, 300), rng.normal(of, 1, 300)]) for of in (4.0, orders)]
    of = plan([primary("spend", metric=SPEND), ratio("basket")], adjust=Adjust(covariates=("age",)))
    world = measured({"spend": spend, "basket": pairs})
    column = world.columns["spend"]
    cap = Capping((9.0,), CapOrigin.EXPERIMENT, np.array([1, 2]), column.moments)
    spent = replace(column, covariates=("age",), capping=cap, zeros=np.array([3, 4]))
    values = np.concatenate(pairs)
    sums = ClusterSums(np.ones(600), values, values[:, 0] ** 2)
    clusters = Clusters(np.arange(600), np.repeat([0, 1], 300), {"basket": sums}, lost=1)
    world = replace(world, clusters=clusters, columns={**world.columns, "spend": spent})
    return readout(of, world, doubts(Evidence(of, world)), made_at=MADE_AT, versions={})


def spread(mean: float, effect: float, sd: float) -> list[npt.NDArray[np.float64]]:
    """Values evenly spread around a mean in control, and around mean and effect in the treatment."""
    return [
        np.asarray(level + sd * np.sqrt(3) * np.linspace(-1, 1, units))
        for level, units in zip((mean, mean, mean + effect, mean + effect), UNITS, strict=True)
    ]
