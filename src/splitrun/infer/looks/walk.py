"""Where the z of an experiment may stand while no look has ended it: recursive integration.

Armitage, McPherson and Rowe (1969), JRSS A 132, 235-244; Jennison and Turnbull (2000), Group Sequential
Methods, chapter 19. Between looks z is a Gaussian walk: z at information I given z' at I' is normal with mean
r z' and variance 1 - r^2, r^2 = I' / I. The crowd of paths still inside is a density on Gauss-Legendre panels
of 16 nodes, each no wider than a few standard deviations of the steps into and out of the look.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from splitrun.moments import FloatArray

__all__ = ["START", "Crowd", "grains", "spaced"]

DOWN, UP = 8.0, 10.0
"""How far around its mean the walk is followed; above, far enough for tail errors of 1e-15."""
GAP = 0.002
"""Smallest relative growth of information between looks that the grid resolves."""
PANEL = 8.0
"""Width of a panel in standard deviations of the narrower step: bounds within 1e-10 of finer ones."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
ROOT_TAU = float(np.sqrt(2 * np.pi))


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """The paths that are still inside at one look."""

    z: FloatArray
    """Where they stand, shape (nodes,)."""
    mass: FloatArray
    """Probability that each node stands for, shape (nodes,)."""
    information: float
    drift: float = 0.0
    """Mean of z at information 1; 0 when nothing has an effect."""

    def ahead(self, information: float) -> tuple[FloatArray, float]:
        """Mean of the next z from each node, shape (nodes,), and its standard deviation."""
        ratio = np.sqrt(self.information / information)
        push = self.drift * (np.sqrt(information) - ratio * np.sqrt(self.information))
        return ratio * self.z + push, float(np.sqrt(1 - ratio**2))

    def above(self, information: float, bound: float) -> float:
        """Probability to be inside until now and above `bound` at the next look."""
        mean, deviation = self.ahead(information)
        return float(self.mass @ ndtr((mean - bound) / deviation))

    def below(self, information: float, bound: float) -> float:
        """Probability to be inside until now and below `bound` at the next look."""
        mean, deviation = self.ahead(information)
        return float(self.mass @ ndtr((bound - mean) / deviation))

    def inside(self, information: float, low: float, high: float, grain: float) -> Crowd:
        """Those that lie between `low` and `high` at the next look.

        Args:
            information: Of the next look.
            low: Lower bound of z, or -infinity.
            high: Upper bound of z, or infinity.
            grain: The narrower of the steps into and out of the look, from `grains`.
        """
        centre = self.drift * float(np.sqrt(information))
        low = max(low, centre - DOWN)
        high = max(low, min(high, centre + UP))
        panels = max(1, int(np.ceil((high - low) / (PANEL * grain))))
        half = (high - low) / (2 * panels)
        middles = low + half * (2 * np.arange(panels) + 1)
        z = (middles[:, None] + half * NODES).ravel()
        mean, deviation = self.ahead(information)
        density = np.exp(-0.5 * ((z[:, None] - mean) / deviation) ** 2) @ self.mass / (deviation * ROOT_TAU)
        return Crowd(
            z=z, mass=np.tile(half * WEIGHTS, panels) * density, information=information, drift=self.drift
        )


START = Crowd(z=np.zeros(1), mass=np.ones(1), information=0.0)
"""Everyone, before the first look."""


def spaced(looks: FloatArray) -> FloatArray:
    """Information with looks that lie closer than the grid resolves drawn apart.

    Every correlation between looks can only fall by it, so by Slepian's inequality bounds solved on it can
    only be too wide.

    Args:
        looks: Information, shape (looks,), above 0 and not falling.
    """
    growth = np.maximum(looks[1:] / looks[:-1], 1 + GAP)
    return np.asarray(np.cumprod(np.concatenate([looks[:1], growth])), dtype=np.float64)


def grains(looks: FloatArray) -> FloatArray:
    """The narrower of the steps into and out of each look, as standard deviations; shape (looks,), at most 1.

    Args:
        looks: Information after `spaced`, shape (looks,).
    """
    steps = np.concatenate([[1.0], np.sqrt(1 - looks[:-1] / looks[1:]), [1.0]])
    return np.asarray(np.minimum(steps[:-1], steps[1:])[: len(looks)], dtype=np.float64)
