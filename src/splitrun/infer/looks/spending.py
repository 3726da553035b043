"""How the error of a plan is spent over its looks: alpha and beta spending functions.

Lan and DeMets (1983), Biometrika 70, 659-663, for the idea and the O'Brien-Fleming and Pocock types; Kim and
DeMets (1987), Biometrika 74, 149-154, for powers; Hwang, Shih and DeCani (1990), Statistics in Medicine 9,
1439-1445, for the gamma family; Lan and DeMets (1989), Statistics in Medicine 8, 1191-1198, for
calendar time. A two-sided alpha is spent as twice a one-sided one, alpha / 2 in each tail;
`tail` names that part.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from splitrun.errors import Mistake, SpecError
from splitrun.moments import FloatArray

__all__ = [
    "OBRIEN_FLEMING",
    "POCOCK",
    "Shape",
    "Spending",
    "checked_tail",
    "information",
    "progress",
    "spent",
]


class Shape(StrEnum):
    """Which family a spending function belongs to."""

    OBRIEN_FLEMING = "obrien_fleming"
    """Hardly anything early: 2 - 2 Phi(z / sqrt t)."""
    POCOCK = "pocock"
    """Nearly the same bound at every look: a log(1 + (e - 1) t)."""
    POWER = "power"
    """a t^rho (Kim and DeMets); rho 1 spends evenly, 3 is near O'Brien-Fleming."""
    HSD = "hwang_shih_decani"
    """a (1 - exp(-gamma t)) / (1 - exp(-gamma)); gamma -4 is near O'Brien-Fleming, 1 near Pocock."""


PARAMETERS = {Shape.POWER: "rho", Shape.HSD: "gamma"}


@dataclass(frozen=True, slots=True)
class Spending:
    """A spending function.

    Raises:
        SpecError: The family needs a parameter that is not there, or is given one that it does not have.
    """

    shape: Shape = Shape.OBRIEN_FLEMING
    parameter: float | None = None
    """rho of `power`, above 0; gamma of `hwang_shih_decani`, any finite number; None for the others."""
    elapsed: tuple[float, ...] | None = None
    """Part of the planned time that has passed at each planned look: none spends more than belongs to it, so
    that units which come faster than planned leave error for the planned end. None: units alone say how much.
    """

    def __post_init__(self) -> None:
        name = PARAMETERS.get(self.shape)
        if name is None and self.parameter is not None:
            raise SpecError(
                [mistake(f"{self.shape} spending has no parameter, got {self.parameter}", "leave it out")]
            )
        if name is not None and self.parameter is None:
            raise SpecError(
                [mistake(f"{self.shape} spending needs its {name}", f"write {name}, for example 1")]
            )
        if self.parameter is not None and not np.isfinite(self.parameter):
            raise SpecError(
                [mistake(f"{name} of {self.shape} spending is {self.parameter}", "write a finite number")]
            )
        if self.shape is Shape.POWER and self.parameter is not None and self.parameter <= 0:
            raise SpecError([mistake(f"rho of power spending is {self.parameter}", "write a number above 0")])

    def at(self, fraction: npt.ArrayLike, tail: float) -> FloatArray:
        """Error spent by the time that a fraction of the information is there.

        Args:
            fraction: Information fractions, any shape; below 0 counts as 0 and above 1 as 1.
            tail: Error to spend in one tail, between 0 and 1.

        Returns:
            Cumulative error, shape of `fraction`: 0 at 0 and `tail` at 1.
        """
        t = np.clip(np.asarray(fraction, dtype=np.float64), 0.0, 1.0)
        return tail * np.where(t >= 1, 1.0, np.minimum(self.share(t, tail), 1.0))

    def share(self, t: FloatArray, tail: float) -> FloatArray:
        """Part of the error spent by information fractions between 0 and 1."""
        rate = 0.0 if self.parameter is None else self.parameter
        match self.shape:
            case Shape.OBRIEN_FLEMING:
                # the lower tail: 2 - 2 Phi would lose every digit below 1e-16
                reached = np.divide(ndtri(tail / 2), np.sqrt(t), out=np.full_like(t, -np.inf), where=t > 0)
                return np.asarray(2 * ndtr(reached) / tail, dtype=np.float64)
            case Shape.POCOCK:
                return np.log1p((np.e - 1) * t)
            case Shape.POWER:
                return np.asarray(t**rate, dtype=np.float64)
            case Shape.HSD:
                return t if rate == 0 else falling(rate, t)


OBRIEN_FLEMING = Spending(Shape.OBRIEN_FLEMING)
POCOCK = Spending(Shape.POCOCK)


def falling(rate: float, t: FloatArray) -> FloatArray:
    """(1 - exp(-rate t)) / (1 - exp(-rate)), written so that neither sign of a large rate overflows."""
    if rate > 0:
        return np.asarray(np.expm1(-rate * t) / np.expm1(-rate), dtype=np.float64)
    return np.asarray(np.exp(rate * (1 - t)) * np.expm1(rate * t) / np.expm1(rate), dtype=np.float64)


def mistake(says: str, remedy: str) -> Mistake:
    """What is wrong with the words of a sequential plan."""
    return Mistake(says=says, next=remedy)


def checked_tail(tail: float) -> float:
    """The error of one tail, if it is one.

    Raises:
        SpecError: It does not lie between 0 and 0.5.
    """
    if not 0 < tail <= 0.5:
        raise SpecError(
            [
                mistake(
                    f"the error of one tail is {tail}",
                    "give alpha / 2 of a two-sided alpha, above 0 and at most 0.5",
                )
            ]
        )
    return tail


def information(looks: npt.ArrayLike) -> FloatArray:
    """Information at the looks taken, never falling.

    Units may leave between two looks (late exclusions, erasure); what had been known then was still known.

    Args:
        looks: Matured units over planned units at each look so far, shape (looks,), as taken; may pass 1.

    Raises:
        SpecError: There is no look, or one of them is negative or not a number.
    """
    fractions = np.atleast_1d(np.asarray(looks, dtype=np.float64))
    if not fractions.size or not np.all(np.isfinite(fractions)) or np.any(fractions < 0):
        raise SpecError(
            [
                mistake(
                    f"the information at the looks is {fractions.tolist()}",
                    "give n over planned n of one look or more",
                )
            ]
        )
    return np.maximum.accumulate(fractions)


def progress(looks: npt.ArrayLike, spending: Spending) -> FloatArray:
    """Part of the plan by which each look spends: its information, or the time that has passed where less.

    Raises:
        SpecError: There are more looks than planned moments.
    """
    there = information(looks)
    if spending.elapsed is None:
        return there
    if len(spending.elapsed) < len(there):
        says = f"there are {len(there)} looks, and {len(spending.elapsed)} are planned"
        raise SpecError([mistake(says, "give the part of the planned time at each look")])
    return np.minimum(there, information(spending.elapsed)[: len(there)])


def spent(
    looks: npt.ArrayLike,
    tail: float,
    spending: Spending = OBRIEN_FLEMING,
    *,
    ended: bool = False,
) -> FloatArray:
    """Error spent by each look taken: a function of the past alone, so looks may come when they will.

    Args:
        looks: Matured units over planned units at each look so far, shape (looks,).
        tail: Error to spend in one tail: alpha / 2 where both sides are of interest.
        spending: The function.
        ended: Whether the last look is the planned end, which spends all that remains whatever n is.

    Returns:
        Cumulative error, shape (looks,); `tail` from the first look with all the planned information, and
        time, on.
    """
    cumulative = spending.at(progress(looks, spending), checked_tail(tail))
    if ended:
        cumulative[-1] = tail
    return cumulative
