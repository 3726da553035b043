"""Designs with several looks: futility bounds, the drift and the size they need, and what they cost.

Pampallona and Tsiatis (1994), JSPI 42, 19-35; beta spending after Chang, Hwang and Shih (1998), Controlled
Clinical Trials 19, 244-256. In the product futility is non-binding: the upper bounds are solved as if nobody
ever stopped for it, so that going on all the same costs no alpha. Binding bounds are here to be compared with
other software.

Bounds face the direction the hypothesis expects: a z that is hoped to be negative is given with its sign
turned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtri

from splitrun.errors import Mistake, SpecError
from splitrun.infer.looks.boundaries import bound, boundaries, crossing
from splitrun.infer.looks.spending import OBRIEN_FLEMING, Spending, checked_tail, information, progress, spent
from splitrun.infer.looks.walk import DOWN, START, Crowd, grains, spaced
from splitrun.moments import FloatArray

__all__ = ["Design", "Futility", "design", "futility_bounds"]

LEAST = 0.9
"""Part of the drift of one look that a design needs at least: looks that are drawn apart (`spaced`) have a
little more information at the end than planned."""


@dataclass(frozen=True, slots=True)
class Futility:
    """How the chance to miss the planned effect is spent."""

    beta: float
    spending: Spending = OBRIEN_FLEMING
    binding: bool = False
    """Whether the upper bounds count on stopping for futility; then they hold only if everybody does."""


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A plan of looks and what it costs; arrays of shape (looks,)."""

    looks: FloatArray
    """Information fractions; the last is 1."""
    upper: FloatArray
    lower: FloatArray
    """Futility bounds, the last equal to the upper one; -infinity where the plan has none."""
    drift: float
    """Mean of z at the planned end under the effect the plan must see: effect / standard error there."""
    inflation: float
    """Planned n over the n of a plan with one look, the same error and the same power."""
    power_by_look: FloatArray
    """Probability to have crossed the upper bound by each look, under the effect."""
    futile_by_look: FloatArray
    """Probability to have crossed the lower bound by each look, under the effect: beta spent."""
    size_with_effect: float
    """Expected n over the n of a plan with one look, under the effect."""
    size_without: float
    """The same when there is no effect, one-sided: stopping on the unexpected side is not counted."""


def design(
    looks: npt.ArrayLike,
    tail: float,
    *,
    power: float = 0.8,
    spending: Spending = OBRIEN_FLEMING,
    futility: Futility | None = None,
) -> Design:
    """Lay out a plan of looks that sees its effect with a given power.

    Args:
        looks: Information fractions planned, shape (looks,), above 0, rising to 1.
        tail: Error in one tail: alpha / 2 where both sides are of interest.
        power: Probability to cross the upper bound under the effect; 1 - beta where there is futility.
        spending: How the error is spent.
        futility: None for no lower bound; its beta must be 1 - power.

    Raises:
        SpecError: Looks do not rise to 1, power is not between `tail` and 1, or beta is not 1 - power.
    """
    at = planned(looks)
    if not checked_tail(tail) < power < 1:
        raise refused(
            f"power {power} with an error of {tail} in a tail", "ask for more than the error, below 1"
        )
    if futility is not None and abs(futility.beta - (1 - power)) > 1e-9:
        raise refused(
            f"beta {futility.beta} beside power {power}", f"give beta {1 - power:.4g} or leave it out"
        )
    fixed = float(ndtri(power) - ndtri(tail))
    if futility is None:
        upper, lower, drift = unfenced(at, boundaries(at, tail, spending), power, fixed)
    else:
        upper, lower, drift = settled(at, spent(at, tail, spending), futility, fixed)
    return priced(at, (upper, lower), drift, fixed)


def priced(at: FloatArray, bounds: tuple[FloatArray, FloatArray], drift: float, fixed: float) -> Design:
    """A plan of looks with what it costs; `fixed` is the drift that one look needs."""
    hit, null = crossing(at, *bounds, drift=drift), crossing(at, *bounds)
    inflation = (drift / fixed) ** 2
    return Design(
        looks=at,
        upper=bounds[0],
        lower=bounds[1],
        drift=drift,
        inflation=inflation,
        power_by_look=np.cumsum(hit.above),
        futile_by_look=np.cumsum(hit.below),
        size_with_effect=inflation * expected(at, hit.either),
        size_without=inflation * expected(at, null.either),
    )


def planned(looks: npt.ArrayLike) -> FloatArray:
    """Looks that a plan can have: fractions above 0 that rise to 1."""
    at = information(looks)
    if at[0] <= 0 or at[-1] != 1 or np.any(np.diff(at) <= 0):
        raise refused(f"the planned looks are {at.tolist()}", "give fractions above 0 that rise to 1")
    return at


def unfenced(
    at: FloatArray, upper: FloatArray, power: float, fixed: float
) -> tuple[FloatArray, FloatArray, float]:
    """Bounds and drift of a plan without futility."""

    def excess(theta: float) -> float:
        return float(crossing(at, upper, drift=theta).above.sum()) - power

    drift = brentq(excess, LEAST * fixed - 1e-6, 3 * fixed + 3, xtol=1e-10)
    return upper, np.full(at.shape, -np.inf), drift


def settled(
    at: FloatArray, alpha: FloatArray, futility: Futility, fixed: float
) -> tuple[FloatArray, FloatArray, float]:
    """Bounds and drift of a plan with futility: all of beta is spent when the bounds meet."""
    fences = Fences(at, alpha, at, futility)

    def missing(theta: float) -> float:
        return fences.solved(theta)[2] - futility.beta

    drift = brentq(missing, LEAST * fixed - 1e-6, 3 * fixed + 3, xtol=1e-10)
    upper, lower, _ = fences.solved(drift)
    return upper, lower, drift


def expected(at: FloatArray, leaves: FloatArray) -> float:
    """Mean information at the look where a path ends; who never leaves ends at the last."""
    return float(at @ leaves + at[-1] * (1 - leaves.sum()))


@dataclass(frozen=True, slots=True, eq=False)
class Fences:
    """Looks with both kinds of error laid out for them, to be solved for a drift."""

    looks: FloatArray
    """Information, above 0 and rising."""
    alpha: FloatArray
    """Cumulative error of the upper tail, shape (looks,)."""
    part: FloatArray
    """Part of the plan by which beta is spent at each look; the plan ends where it is 1."""
    futility: Futility

    def solved(self, drift: float) -> tuple[FloatArray, FloatArray, float]:
        """Upper bounds, lower bounds, and the probability to end without crossing above, under the drift.

        Where all of the plan is there it ends: what does not cross the upper bound then has missed.
        """
        at = spaced(self.looks)
        alphas = np.diff(self.alpha, prepend=0.0)
        betas = np.diff(self.futility.spending.at(self.part, self.futility.beta), prepend=0.0)
        null, alive = START, replace(START, drift=drift)
        upper, lower, missed = [], [], 0.0
        for now, grain, alpha, beta, end in zip(at, grains(at), alphas, betas, self.part >= 1, strict=True):
            top = bound(null, now, alpha)
            bottom = top if end else min(lowest(alive, now, beta), top)
            missed += alive.below(now, bottom)
            null = null.inside(now, bottom if self.futility.binding else -np.inf, top, grain)
            alive = alive.inside(now, bottom, top, grain)
            upper.append(top)
            lower.append(bottom)
        return np.array(upper), np.array(lower), missed


def lowest(alive: Crowd, now: float, stage: float) -> float:
    """The z that those still inside fall short of with a given probability at the next look."""
    mirrored = Crowd(z=-alive.z, mass=alive.mass, information=alive.information, drift=-alive.drift)
    return -bound(mirrored, now, stage, low=-DOWN - 2 * abs(alive.drift))


def futility_bounds(
    looks: npt.ArrayLike,
    tail: float,
    drift: float,
    *,
    futility: Futility,
    spending: Spending = OBRIEN_FLEMING,
    ended: bool = False,
) -> FloatArray:
    """Bounds of z below which going on is futile, at the looks taken.

    Args:
        looks: Matured units over planned units at each look so far, shape (looks,).
        tail: Error in one tail of the upper bounds.
        drift: Mean of z at information 1 under the planned effect: `Design.drift`, kept as planned.
        futility: How beta is spent.
        spending: How `tail` is spent; the time that has passed bounds what is spent of both errors.
        ended: Whether the last look is the planned end: then its futility bound is its upper bound.

    Returns:
        Shape (looks,); -infinity before there is information. A look that adds none repeats the bound before
        it.
    """
    if futility.binding:
        raise refused("futility bounds of looks taken are asked for as binding", "leave binding to `design`")
    there = information(looks)
    part = progress(there, spending)
    upper = boundaries(there, tail, spending, ended=ended)
    running = (np.diff(there, prepend=0.0) > 0) & (part < 1)
    running[-1] &= not ended
    fences = Fences(there[running], spent(there, tail, spending)[running], part[running], futility)
    lower = np.concatenate([[-np.inf], fences.solved(drift)[1]])[np.cumsum(running)]
    over = part >= 1
    over[-1] |= ended
    return np.where(over, upper, np.minimum(lower, upper))


def refused(says: str, remedy: str) -> SpecError:
    """A design that cannot be laid out."""
    return SpecError([Mistake(says=says, next=remedy)])
