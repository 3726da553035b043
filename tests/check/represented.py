"""Units of a sample beside the population that they should represent, cut by device."""

from __future__ import annotations

from collections.abc import Mapping

from splitrun.check.evidence import Evidence
from splitrun.spec.experiment import Frame
from splitrun.spec.plan import Delivery
from splitrun.spec.power.baselines import Baselines, FrameLevel, Representation
from tests.check.worlds import measured, ones, plan

__all__ = ["DEVICES", "sampled"]

DEVICES = {"mobile": 46, "tablet": 31, "desktop": 23}
"""Of a population of 100."""


def sampled(sample: Mapping[str, int], population: Mapping[str, int], *, levels: int = 1) -> Evidence:
    """So many units of each level in each of two variants, and of each level of the population."""
    units = sum(population.values())
    by = [FrameLevel(label=key, levels=levels, population=n, frame=n) for key, n in population.items()]
    found = Representation(
        population="users", measured="2026-03-01", units=units, inside=units, by={"device": tuple(by)}
    )
    of = plan(segments=["device"]).model_copy(
        update={
            "delivery": Delivery(frame=Frame(population="users", by=("device",))),
            "baselines": Baselines(frame=found),
        }
    )
    values = [ones(count // 3, count) for count in sample.values()]
    return Evidence(of, measured({"fetched": [*values, *values]}, segment="device", levels=tuple(sample)))
