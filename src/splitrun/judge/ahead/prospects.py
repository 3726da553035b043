"""How a primary is likely to stand at the planned end, and whether going on is futile.

Only group-sequential plans have looks before an end. Futility binds nobody: the bounds of the interval are
solved as if nobody ever stopped for it, so that going on all the same costs no alpha.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.special import ndtri, stdtr

from splitrun.infer.estimate import Estimate
from splitrun.infer.looks.futility import Futility, design, futility_bounds
from splitrun.infer.looks.outlook import conditional_power, outlook
from splitrun.infer.looks.spending import Spending
from splitrun.judge.promises import AtLook, last_bound
from splitrun.judge.readings import Reading
from splitrun.judge.readout import Outlook
from splitrun.measure.measured import Measured
from splitrun.plan.power.progress import planned_shares, rising
from splitrun.spec.model import Direction, Role
from splitrun.spec.plan import Plan, PlannedMetric

__all__ = ["prospect"]

EXPECTED = 0.9
"""How often the estimate at the planned end lies where it is expected."""


def prospect(plan: Plan, measured: Measured, reading: Reading) -> Outlook | None:
    """Look ahead to the planned end; None where there is no effect, no look, or nothing ahead.

    Args:
        plan: What was planned.
        measured: What the data holds.
        reading: A primary over all units.
    """
    if reading.planned.role is not Role.PRIMARY or reading.segment is not None:
        return None
    match reading.grounds.promise, reading.effects.absolute.cell(0):
        case AtLook(ended=False) as promise, Estimate() as effect if promise.fractions[-1] > 0:
            total = float(measured.columns[reading.planned.key].moments.n.sum())
            return ahead(plan, reading, (promise, effect), total / (plan.analysis.planned_units or 1))
        case _:
            return None


def ahead(plan: Plan, reading: Reading, look: tuple[AtLook, Estimate], now: float) -> Outlook:
    """Look ahead from a look.

    Args:
        plan: What was planned.
        reading: A primary over all units.
        look: What its interval promises, and its effect.
        now: Matured units over planned units.
    """
    (promise, effect), planned = look, reading.planned
    good = 1 if planned.metric.better is Direction.HIGHER else -1
    final, bound = finish(plan, planned, promise, now)
    part = min(1.0, now / final)
    found = outlook(good * effect.effect, effect.stderr, part, bound, level=EXPECTED)
    low, high = sorted((good * float(found.low), good * float(found.high)))
    z, fence = good * deviate(effect), futility(plan, planned, promise)
    return Outlook(
        information=now,
        final=final,
        z=z,
        bound=last_bound(promise.fractions, promise.alpha / 2, promise.spending, ended=False),
        futility=fence,
        futile=fence is not None and z < fence,
        low=low,
        high=high,
        better=float(found.better),
        worse=float(found.worse),
        better_with_mei=with_mei(reading, (z, float(found.stderr)), part, bound),
    )


def finish(plan: Plan, planned: PlannedMetric, promise: AtLook, now: float) -> tuple[float, float]:
    """Information at the planned end if units go on to come as they did, and the bound of z there."""
    shares, passed = planned_shares(plan, planned), len(promise.fractions)
    share = shares[passed - 1]
    final = max(now, promise.fractions[-1] / share if share else 1.0)
    path = (*promise.fractions, *(max(now, share * final) for share in shares[passed:]))
    return final, last_bound(path, promise.alpha / 2, promise.spending, ended=True)


def futility(plan: Plan, planned: PlannedMetric, promise: AtLook) -> float | None:
    """The bound of z below which going on is futile; None where the plan has none, or not yet."""
    rules = plan.analysis
    if not rules.futility:
        return None
    shares = rising(planned_shares(plan, planned))
    tail = promise.alpha / 2
    bounds = futility_bounds(
        promise.fractions,
        tail,
        planned_drift(shares, tail, rules.power, replace(promise.spending, elapsed=None)),
        futility=Futility(1 - rules.power),
        spending=promise.spending,
    )
    return float(bounds[-1]) if np.isfinite(bounds[-1]) else None


@lru_cache(maxsize=256)
def planned_drift(shares: tuple[float, ...], tail: float, power: float, spending: Spending) -> float:
    """The mean of z at the planned end under the effect that the plan finds with its power."""
    fence = Futility(1 - power)
    return design(shares, tail, power=1 - fence.beta, spending=spending, futility=fence).drift


def deviate(effect: Estimate) -> float:
    """The normal deviate that lies where the effect lies in its own distribution."""
    t = effect.effect / effect.stderr
    return t if effect.dof is None else float(-np.sign(t) * ndtri(stdtr(effect.dof, -abs(t))))


def with_mei(reading: Reading, now: tuple[float, float], part: float, bound: float) -> float | None:
    """Probability to end better if the truth is the minimum effect of interest; None where none is named.

    Args:
        reading: A primary over all units.
        now: z now, above 0 where treatment is better, and the standard error expected at the planned end.
        part: Information now over information at the planned end.
        bound: Bound of z at the planned end.
    """
    size, (z, stderr) = reading.planned.mei, now
    if size is None:
        return None
    truth = size.value * (abs(float(reading.pair.control.value[0])) if size.relative else 1.0)
    return float(conditional_power(z, part, bound, drift=truth / stderr))
