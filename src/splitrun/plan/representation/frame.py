"""The declared frame: which part of its population the audience takes, and which levels it misses wholly.

The standardised difference of a level is that of `splitrun.plan.designs.balance`: the share in the frame less
the share in the population, over the root of the mean of p (1 - p) of the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from splitrun.plan.designs.balance import apart
from splitrun.plan.power.setting import Advice
from splitrun.spec.plan import Plan
from splitrun.spec.power.baselines import FrameLevel, Representation

__all__ = ["Share", "advised", "left_out", "represented", "shares", "standardised"]

MOST = 6
"""Missed levels that a sentence names."""


@dataclass(frozen=True, slots=True)
class Share:
    """A level in the population and in the frame."""

    attribute: str
    level: FrameLevel
    population: float
    """Part of the population's units."""
    frame: float | None
    """Part of the frame's units; None where the frame holds nobody."""
    difference: float | None
    """The frame's less the population's."""
    standardised: float | None
    """None where there is no spread to hold the difference against, or no frame."""

    @property
    def missed(self) -> bool:
        """Whether the frame holds no unit of it."""
        return self.level.frame == 0

    @property
    def named(self) -> str:
        """The level in words."""
        many = self.level.levels
        return (
            f"{self.attribute} = {self.level.label}"
            if many == 1
            else f"any of {many:,} smaller levels of {self.attribute}"
        )


def represented(plan: Plan) -> Representation | None:
    """What was measured of the frame that a plan declares; None where nothing was, or of another frame."""
    declared, found = plan.delivery.frame, None if plan.baselines is None else plan.baselines.frame
    if declared is None or found is None:
        return None
    asked = (declared.population, declared.by, plan.delivery.audience)
    return found if asked == (found.population, tuple(found.by), found.audience) else None


def shares(found: Representation) -> tuple[Share, ...]:
    """Every level of every attribute, in the population and in the frame."""
    return tuple(share(found, name, level) for name, levels in found.by.items() for level in levels)


def share(found: Representation, attribute: str, level: FrameLevel) -> Share:
    """One level."""
    population = level.population / found.units
    if not found.inside:
        return Share(attribute, level, population, None, None, None)
    frame = level.frame / found.inside
    gap = standardised(frame, population)
    return Share(attribute, level, population, frame, frame - population, gap)


def standardised(one: float, population: float) -> float | None:
    """How far a share lies from the population's; None where neither leaves any spread, and they differ."""
    spread = (one * (1 - one) + population * (1 - population)) / 2
    gap = float(apart(np.array(one - population), np.array(spread)))
    return gap if np.isfinite(gap) else None


def left_out(found: Representation) -> str:
    """In a sentence, which part of the population is not in the frame; empty where all of it is."""
    outside = found.units - found.inside
    if not outside:
        return ""
    missed = [one.named for one in shares(found) if one.missed]
    most = f"{outside / found.units * 100:.3g} % of the population {found.population}"
    said = f"the frame leaves out {most} ({outside:,} of {found.units:,} units)"
    if not missed:
        return f"{said}; every level of {', '.join(found.by)} is in it"
    more = f" and {len(missed) - MOST} more" if len(missed) > MOST else ""
    return f"{said}: no unit with {', '.join(missed[:MOST])}{more}"


def advised(plan: Plan) -> Iterator[Advice]:
    """What a plan should know of its frame."""
    declared, found = plan.delivery.frame, represented(plan)
    if declared is None:
        return
    if found is None:
        known = plan.baselines is not None and plan.baselines.frame is not None
        why = "was measured for another frame or audience" if known else "was not measured"
        says = f"how far those who are taken stand for the population {declared.population} {why}"
        yield Advice("frame_unmeasured", says, f"measure it with `splitrun baseline {plan.key}`")
    elif left_out(found):
        remedy = "widen the audience, or claim the effect for those alone who are in the frame"
        yield Advice("frame_leaves_out", left_out(found), remedy)
