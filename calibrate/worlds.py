"""Worlds of units: a metric, its denominator, a covariate and three strata known from before, effect known.

Units come in batches (days, or looks), so that one draw serves fixed and sequential methods. What leaves is
sums over units, run by run: thousands of experiments are the cells of one `Moments`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from splitrun.moments import FloatArray, IntArray, Moments, moved

__all__ = ["WORLDS", "Drawn", "World", "drawn"]

STRATA = 3
AT_ONCE = 250_000
"""Units drawn at once; what fits the cache is fastest."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One variant of many experiments, as sums over its units."""

    units: float
    """Per run."""
    batches: FloatArray
    """Units other than zero and sums of y, y², y³ of every batch, shape (4, runs, batches)."""
    sums: FloatArray
    """Of y, the denominator d and the covariate x, shape (runs, 3)."""
    products: FloatArray
    """Shape (runs, 3, 3)."""
    strata: FloatArray
    """Units and sums of y and y² of every stratum, shape (runs, strata, 3)."""
    thirds: FloatArray
    """Sums of y²d, yd² and d³, shape (runs, 3)."""

    def head(self, runs: int) -> Drawn:
        """The first runs only."""
        return Drawn(
            self.units,
            self.batches[:, :runs],
            self.sums[:runs],
            self.products[:runs],
            self.strata[:runs],
            self.thirds[:runs],
        )

    def columns(self, *picked: int) -> Moments:
        """Moments of some of y (0), d (1) and x (2), one cell for each run."""
        n = np.full(len(self.sums), self.units)
        cubes = self.batches[3].sum(axis=1) if picked[0] == 0 else None
        own = np.array(picked)
        found = Moments.from_sums(n, self.sums[:, own], self.products[:, own][:, :, own], cubes)
        if picked != (0, 1):
            return found
        mixed = moved(replace(found, mixed=self.thirds), -found.mean[:, 0], -found.mean[:, 1])
        return replace(found, mixed=np.stack(mixed, axis=1))

    def stratum(self, index: int) -> Moments:
        """Moments of y in one stratum, one cell for each run."""
        n, total, square = self.strata[:, index].T
        return Moments.from_sums(n, total[:, None], square[:, None, None])

    def looks(self) -> Moments:
        """Moments of y over the batches so far, shape (runs * batches,), a run's looks side by side."""
        _, runs, batches = self.batches.shape
        _, total, square, cube = self.batches.cumsum(axis=2).reshape(4, -1)
        n = np.tile(self.units / batches * np.arange(1, batches + 1), runs)
        return Moments.from_sums(n, total[:, None], square[:, None, None], cube)


Values = Callable[[np.random.Generator, int], FloatArray]
Dense = Callable[[np.random.Generator, tuple[int, int], float], tuple[FloatArray, FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """How units are drawn, and what is true of them."""

    says: str
    mean: float
    """Of y in control; a treatment with effect e has (1 + e) times as much, of every unit's d none."""
    under: float
    """Mean of d."""
    dense: Dense | None = None
    """y, d and x of units, one by one."""
    rate: float = 0.0
    """Else: how many units have a value at all."""
    values: Values | None = None
    """Their values; 1 where None."""


def drawn(
    rng: np.random.Generator, world: World, shape: tuple[int, int, int], *, effect: float = 0.0
) -> Drawn:
    """Draw one variant of many experiments.

    Args:
        rng: The dice.
        world: Which world.
        shape: Runs, batches and units per batch.
        effect: How much larger the mean is than control's, as a part of it.
    """
    runs, batches, size = shape
    per_run = batches * size if world.dense is not None else int(batches * (size * world.rate + 30))
    step = max(1, AT_ONCE // per_run)
    parts = [chunk(rng, world, (min(step, runs - at), batches, size), effect) for at in range(0, runs, step)]
    own = [np.concatenate([part[index] for part in parts], axis=1 if index == 0 else 0) for index in range(5)]
    return Drawn(float(batches * size), *own)


Sums = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]


def chunk(rng: np.random.Generator, world: World, shape: tuple[int, int, int], effect: float) -> Sums:
    """Sums of some runs, in the order of `Drawn`."""
    if world.dense is None:
        return sparse(rng, world, shape, effect)
    runs, batches, size = shape
    y, d, x = world.dense(rng, (runs, batches * size), effect)
    square = y * y
    cut = (runs, batches, size)
    per_batch = np.stack(
        [
            np.full((runs, batches), float(size)),
            y.reshape(cut).sum(axis=2),
            square.reshape(cut).sum(axis=2),
            np.einsum("rbm,rbm->rb", square.reshape(cut), y.reshape(cut)),
        ]
    )
    sums = np.stack([per_batch[1].sum(axis=1), d.sum(axis=1), x.sum(axis=1)], axis=1)
    own = (y, d, x)
    products = np.empty((runs, 3, 3))
    for i in range(3):
        for j in range(i, 3):
            products[:, i, j] = products[:, j, i] = np.einsum("ru,ru->r", own[i], own[j])
    strata = np.empty((runs, STRATA, 3))
    for index, held in enumerate((x < -0.43, x > 0.43)):
        weight = held.astype(np.float64)
        strata[:, index, 0] = weight.sum(axis=1)
        strata[:, index, 1] = np.einsum("ru,ru->r", weight, y)
        strata[:, index, 2] = np.einsum("ru,ru->r", weight, square)
    rest = np.stack([np.full(runs, float(batches * size)), sums[:, 0], products[:, 0, 0]], axis=1)
    strata[:, 2] = rest - strata[:, 0] - strata[:, 1]
    twice = d * d
    thirds = np.stack(
        [np.einsum("ru,ru->r", *each) for each in ((square, d), (y, twice), (d, twice))], axis=1
    )
    return per_batch, sums, products, strata, thirds


def normal(
    rng: np.random.Generator, shape: tuple[int, int], effect: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A normal metric, half of whose variance is known from before; denominators of their own."""
    x = rng.standard_normal(shape)
    y = 10 * (1 + effect) + x + rng.standard_normal(shape)
    return y, 1 + np.floor(2 * rng.standard_exponential(shape)), x


def sessions(
    rng: np.random.Generator, shape: tuple[int, int], effect: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Minutes and sessions: who comes more often stays longer each time."""
    x = rng.standard_normal(shape)
    d = 1 + np.floor(rng.standard_exponential(shape) * (2.5 + np.clip(x, -2, 2)))
    return d * (1 + effect) * (5 + 0.8 * x) + 2 * np.sqrt(d) * rng.standard_normal(shape), d, x


def crowds(
    rng: np.random.Generator, shape: tuple[int, int], effect: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Randomised clusters of 5 to 29 units, each read as one unit: its total, its size, its past."""
    own = rng.standard_normal(shape)
    d = 5 + np.floor(25 * rng.random(shape))
    y = d * (10 * (1 + effect) + 2 * own) + 3 * np.sqrt(d) * rng.standard_normal(shape)
    return y, d, 0.8 * own + 0.6 * rng.standard_normal(shape)


SHARES = np.array([0.6, 0.3, 0.1])
"""Of strata: units with none, some or many purchases before."""
BEFORE = np.array([0.0, 1, 3])
LEANS = np.array([0.4, 1.2, 4.0])
"""How much more than others the units of a stratum have a value; 1 on average."""
OFTEN = np.array([[0.7, 0.2, 0.1], [0.4, 0.4, 0.2], [0.2, 0.4, 0.4]])
"""How many units of each stratum have 1, 2 and 4 as their denominator."""
TYPES = (SHARES[:, None] * OFTEN).ravel()
TYPE_X = np.repeat(BEFORE, 3)
TYPE_D = np.tile([1.0, 2, 4], 3)
TYPE_LEAN = np.repeat(LEANS, 3)


def sparse(rng: np.random.Generator, world: World, shape: tuple[int, int, int], effect: float) -> Sums:
    """Sums of runs where few units have a value: units counted by type, values drawn where there are any."""
    runs, batches, size = shape
    counts = rng.multinomial(size, TYPES, size=(runs, batches))
    having = rng.binomial(counts, world.rate * (1 + effect) * TYPE_LEAN)
    powers = powers_of(rng, world.values, having)
    per_batch = np.stack([having.sum(axis=2).astype(np.float64), *(each.sum(axis=2) for each in powers)])
    units, first, second = (each.sum(axis=1).astype(np.float64) for each in (counts, powers[0], powers[1]))
    sums = np.stack([first.sum(axis=1), units @ TYPE_D, units @ TYPE_X], axis=1)
    cross = {
        (0, 0): second.sum(axis=1),
        (0, 1): first @ TYPE_D,
        (0, 2): first @ TYPE_X,
        (1, 1): units @ TYPE_D**2,
        (1, 2): units @ (TYPE_D * TYPE_X),
        (2, 2): units @ TYPE_X**2,
    }
    products = np.empty((runs, 3, 3))
    for (i, j), each in cross.items():
        products[:, i, j] = products[:, j, i] = each
    strata = np.stack([each.reshape(runs, STRATA, 3).sum(axis=2) for each in (units, first, second)], axis=2)
    thirds = np.stack([second @ TYPE_D, first @ TYPE_D**2, units @ TYPE_D**3], axis=1)
    return per_batch, sums, products, strata, thirds


def powers_of(rng: np.random.Generator, values: Values | None, having: IntArray) -> list[FloatArray]:
    """Sums of the values and of their squares and cubes, for as many of them as each place has."""
    if values is None:
        return [having.astype(np.float64)] * 3
    own = values(rng, int(having.sum()))
    ends = np.concatenate([[0], np.cumsum(having.ravel())])
    powers = (own, own**2, own**3)
    return [np.diff(np.concatenate([[0.0], np.cumsum(each)])[ends]).reshape(having.shape) for each in powers]


def spend(rng: np.random.Generator, count: int) -> FloatArray:
    """Log-normal spend."""
    return np.exp(rng.standard_normal(count))


CAP = float(np.exp(3.090232306167813))
"""The 99.9th percentile of spend."""


def capped(rng: np.random.Generator, count: int) -> FloatArray:
    """Log-normal spend up to a cap that was registered."""
    return np.minimum(spend(rng, count), CAP)


def capped_mean() -> float:
    """Mean of capped spend, in closed form."""
    top = float(np.log(CAP))
    return float(np.exp(0.5) * ndtr(top - 1) + CAP * ndtr(-top))


def sessions_mean() -> tuple[float, float]:
    """Mean minutes and sessions, by quadrature over what units differ in."""
    x = np.linspace(-9, 9, 200_001)
    weight = np.exp(-(x**2) / 2)
    weight = weight / weight.sum()
    often = 1 + 1 / np.expm1(1 / (2.5 + np.clip(x, -2, 2)))
    return float(weight @ (often * (5 + 0.8 * x))), float(weight @ often)


MINUTES, SESSIONS = sessions_mean()
SPARSE_D = float(TYPES @ TYPE_D)
WORLDS: dict[str, World] = {
    "normal": World(
        "mean 10, standard deviation 1.4, half of its variance known", 10.0, 1 + 1 / np.expm1(0.5), normal
    ),
    "rare share": World("1 % of units convert", 0.01, SPARSE_D, rate=0.01),
    "skewed": World(
        "5 % of units spend, log-normal (sigma 1)",
        0.05 * float(np.exp(0.5)),
        SPARSE_D,
        rate=0.05,
        values=spend,
    ),
    "capped": World(
        "the same, capped at the 99.9th percentile of spend",
        0.05 * capped_mean(),
        SPARSE_D,
        rate=0.05,
        values=capped,
    ),
    "ratio": World("minutes over sessions, correlated", MINUTES, SESSIONS, sessions),
    "clustered": World(
        "clusters of 5 to 29 units; a method without clusters reads each as one unit", 170.0, 17.0, crowds
    ),
}
