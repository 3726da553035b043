"""A population of 100 units, and a frame that leaves the 31 on tablets out."""

from __future__ import annotations

from splitrun.spec.experiment import Frame
from splitrun.spec.plan import Plan
from splitrun.spec.power.baselines import Baselines, FrameLevel, Representation
from tests.plan.power.plans import PROVING
from tests.spec.texts import plan_of

__all__ = ["ALL", "NO_TABLETS", "framed"]

NO_TABLETS = Representation(
    population="users",
    audience="device <> 'tablet'",
    measured="2026-03-01",
    units=100,
    inside=69,
    by={
        "device": (
            FrameLevel(label="mobile", population=46, frame=46),
            FrameLevel(label="tablet", population=31, frame=0),
            FrameLevel(label="desktop", population=23, frame=23),
        ),
        "country": (FrameLevel(label="DE", population=100, frame=69),),
    },
)

ALL = Representation(
    population="users",
    measured="2026-03-01",
    units=100,
    inside=100,
    by={"device": (FrameLevel(label="mobile", population=100, frame=100),)},
)


def framed(found: Representation | None, *by: str, audience: str | None = "device <> 'tablet'") -> Plan:
    """A plan that declares a frame, with what was measured of one."""
    plan = plan_of(PROVING)
    declared = Frame(population="users", by=by or ("device", "country"))
    return plan.model_copy(
        update={
            "delivery": plan.delivery.model_copy(update={"frame": declared, "audience": audience}),
            "baselines": Baselines(frame=found),
        }
    )
