"""Methods that are read more than once: group-sequential plans, always-valid intervals, and both."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import ndtri, stdtr

from calibrate.figures import ONE_SIDED, Figure, Part, alarms, anytime, powered, shown
from calibrate.once import EFFECT, Trial, gate
from calibrate.worlds import Drawn, World, drawn
from splitrun.infer.contrast import beyond
from splitrun.infer.estimate import Estimates, Side
from splitrun.infer.looks.always import AlwaysValid, NotYet, asymmetry, hybrid, not_yet
from splitrun.infer.looks.boundaries import boundaries
from splitrun.infer.looks.futility import Futility, design
from splitrun.infer.looks.repeated import adjusted_level
from splitrun.infer.looks.spending import OBRIEN_FLEMING, POCOCK, Shape, Spending
from splitrun.infer.means import means, skewness
from splitrun.moments import FloatArray, IntArray

__all__ = ["BESIDE", "DAYS", "FUTILE", "HYBRID", "LOOKS", "SPENDINGS", "always", "grouped"]

DAYS = 28
"""Batches in which units of a group-sequential experiment come."""
LOOKS = range(2, 15)
"""Plans of this many looks, as evenly spaced over the days as whole days allow."""
SPENDINGS: dict[str, Spending] = {
    "group-sequential, O'Brien-Fleming": OBRIEN_FLEMING,
    "group-sequential, Pocock": POCOCK,
    "group-sequential, power": Spending(Shape.POWER, 3.0),
    "group-sequential, Hwang-Shih-DeCani": Spending(Shape.HSD, -4.0),
}
FUTILE = "group-sequential, futility"
HYBRID = "hybrid, always-valid and once at the end"
BESIDE = "harm at any moment, beside a proof"
POWER = 0.8
"""Planned; futility spends the rest."""


def grouped(run: Trial) -> list[Part]:
    """Group-sequential plans: any look alarms without an effect; all looks hold the truth with one."""
    null = followed(run.control, run.treatments[0], 0.0)
    some = run.control.head(len(run.better.sums))
    true = followed(some, run.better, EFFECT * run.world.mean)
    first = min(days(looks)[0] for looks in LOOKS)
    n = run.control.units, run.worse.units
    g = first_gate(run, int(first))
    return [
        *(Part(method, plans(null, true, spending), n, g) for method, spending in SPENDINGS.items()),
        mixed(run),
        Part(FUTILE, futile(run, null), n, gate(run.control, run.treatments[0]), most=ONE_SIDED),
    ]


def futile(run: Trial, null: FloatArray) -> tuple[Figure, ...]:
    """T1 and T2 with futility ignored, and the power of every number of looks with it heeded.

    The treatment is better by just the effect that the plan finds with its power.
    """
    found = since(run.control, run.treatments[0], 0.0)
    shape = len(run.control.sums), -1
    effect, dof = found.effect.reshape(shape), found.dof.reshape(shape)
    stderr = found.stderr.reshape(shape)
    final = float(np.sqrt(np.nanmean(stderr[:, -1] ** 2)))
    figures = []
    for looks in LOOKS:
        at = days(looks)
        plan = design(at / DAYS, 0.025, power=POWER, futility=Futility(1 - POWER))
        for name, alpha in (("T1", 0.05), ("T2", 0.01)):
            alarmed = np.any(null[:, at - 1] < tails(looks, alpha, OBRIEN_FLEMING), axis=1)
            figures.append(alarms(name, alarmed.astype(np.float64), alpha))
        with np.errstate(all="ignore"):
            t = (effect[:, at - 1] + plan.drift * final) / stderr[:, at - 1]
        z = np.where(np.isfinite(t), -ndtri(stdtr(dof[:, at - 1], -t)), 0.0)
        figures.append(powered(won(z, plan.upper, plan.lower), POWER))
    return tuple(figures)


def mixed(run: Trial) -> Part:
    """Hybrid plans: read with a tenth of alpha on every day before the last, and once there with the rest.

    All figures are bounds: two readings at most share what an interval may miss.
    """
    n = run.control.units, run.worse.units
    g = gate(run.control, run.treatments[0])
    some = run.control.head(len(run.better.sums))
    null = [missed(run.control, run.treatments[0], (0.0, alpha, g)) for alpha in (0.05, 0.01)]
    true = missed(some, run.better, (EFFECT * run.world.mean, 0.05, g))
    figures = (
        alarms("T1", null[0], 0.05, at_most=True),
        alarms("T2", null[1], 0.01, at_most=True),
        shown(1 - true, at_least=True),
    )
    return Part(HYBRID, figures, n, g)


def missed(control: Drawn, treatment: Drawn, case: tuple[float, float, float]) -> FloatArray:
    """Whether any interval of a hybrid plan misses the true difference, shape (runs,).

    Args:
        control: Units of control.
        treatment: Units of the treatment.
        case: The true difference, alpha, and the skewness of the difference at the end.
    """
    truth, alpha, g = case
    parts, total = hybrid(alpha), float(control.units + treatment.units)
    found = since(control, treatment, truth)
    shape = len(control.sums), -1
    z = np.where(found.why == 0, found.effect / found.stderr, 0.0).reshape(shape)
    last = np.where(found.why == 0, found.p, 1.0).reshape(shape)[:, -1]
    rule = AlwaysValid.tuned(parts.running, total)
    shut = closed(control, treatment)
    open_to = (shut == 0) | ((shut == NotYet.SKEWED) & (abs(g) > 0.1))
    days_so_far = np.arange(1, z.shape[1] + 1)
    running = (rule.p(z, total * days_so_far / z.shape[1]) < parts.running) & open_to
    return np.asarray(running[:, :-1].any(axis=1) | (last < parts.end), dtype=np.float64)


def won(z: FloatArray, upper: FloatArray, lower: FloatArray) -> FloatArray:
    """Whether each run leaves above before it leaves below, from shape (runs, looks)."""
    above, below = z > upper, z < lower
    never = z.shape[1]
    first = np.where(above.any(axis=1), above.argmax(axis=1), never)
    stopped = np.where(below.any(axis=1), below.argmax(axis=1), never)
    return np.asarray(first < stopped, dtype=np.float64)


def plans(null: FloatArray, true: FloatArray, spending: Spending) -> tuple[Figure, ...]:
    """T1, T2 and T4 of every number of looks, from p at every day, shape (runs, days)."""
    figures = []
    for looks in LOOKS:
        at = days(looks)
        for name, alpha in (("T1", 0.05), ("T2", 0.01)):
            left = tails(looks, alpha, spending)
            alarmed = np.any(null[:, at - 1] < left, axis=1)
            figures.append(alarms(name, alarmed.astype(np.float64), alpha))
            if name == "T1":
                figures.append(shown(np.all(true[:, at - 1] >= left, axis=1).astype(np.float64)))
    return tuple(figures)


@lru_cache(maxsize=128)
def tails(looks: int, alpha: float, spending: Spending) -> FloatArray:
    """The p below which each look of a plan alarms."""
    return 1 - adjusted_level(boundaries(days(looks) / DAYS, alpha / 2, spending, ended=True))


def days(looks: int) -> IntArray:
    """The days of a plan's looks."""
    return np.round(np.arange(1, looks + 1) * DAYS / looks).astype(np.int64)


def followed(control: Drawn, treatment: Drawn, truth: float) -> FloatArray:
    """The p of the true difference at every batch, shape (runs, batches).

    A repeated interval holds the truth exactly where this is not below one minus the level of its look.
    """
    found = since(control, treatment, truth)
    return np.where(found.why == 0, found.p, 1.0).reshape(len(control.sums), -1)


def since(control: Drawn, treatment: Drawn, truth: float) -> Estimates:
    """How far the difference lies from the truth at every batch."""
    points = [means(each.looks()) for each in (control, treatment)]
    return beyond(points[0], points[1], factor=1.0, shift=truth, level=0.95)


def first_gate(run: Trial, day: int) -> float:
    """Skewness of the difference at the first look of all plans: the largest that any of them sees."""
    own = [each.columns(0) for each in (run.control, run.treatments[0])]
    one = [each.gathered(np.zeros(len(each.n), dtype=np.int64), 1) for each in own]
    part = day / DAYS
    return float(asymmetry(skewness(*one), run.control.units * part, run.worse.units * part)[0])


def always(
    rng: np.random.Generator, world: World, paths: int, looks: int, sizes: tuple[int, int]
) -> list[Part]:
    """Always-valid intervals: any of many looks is wrong, without an effect and about a true one.

    Then the bound that watches a guardrail for harm, where the treatment is worse by just the margin: how far
    it lies from that line is how far a treatment without an effect lies from control.

    The first look is where `not_yet` allows it. Where the skewness keeps the gate shut to the end, the figure
    is what looks without that gate would have shown.
    """
    control = drawn(rng, world, (paths, looks, sizes[0]))
    shape = (paths, looks, sizes[1])
    null, better = drawn(rng, world, shape), drawn(rng, world, shape, effect=EFFECT)
    n = control.units, null.units
    whole = [each.columns(0) for each in (control, null)]
    one = [each.gathered(np.zeros(paths, dtype=np.int64), 1) for each in whole]
    g = float(asymmetry(skewness(*one), *n)[0])
    total = np.arange(1, looks + 1) * float(sum(sizes))
    rule = AlwaysValid.tuned(0.05, float(sum(n)))
    figures, harmed = [], np.zeros(paths)
    for treatment, truth in ((null, 0.0), (better, EFFECT * world.mean)):
        found = since(control, treatment, truth)
        z = np.where(found.why == 0, found.effect / found.stderr, 0.0).reshape(paths, looks)
        shut = closed(control, treatment)
        open_to = (shut == 0) | ((shut == NotYet.SKEWED) & (abs(g) > 0.1))
        wrong = np.any((rule.p(z, total) < rule.alpha) & open_to, axis=1).astype(np.float64)
        figures.append(anytime(wrong) if truth == 0 else shown(1 - wrong, at_least=True))
        if truth == 0:
            watch = AlwaysValid.tuned(0.01, float(sum(n)), Side.UPPER)
            harmed = np.any((watch.p(z, total) < watch.alpha) & open_to, axis=1).astype(np.float64)
    harm = Part(BESIDE, (alarms("T2", harmed, 0.01, at_most=True),), n, g)
    return [Part("always-valid", tuple(figures), n, g), harm]


def closed(control: Drawn, treatment: Drawn) -> IntArray:
    """Why each look may not be taken yet, shape (runs, looks)."""
    own = [each.looks() for each in (control, treatment)]
    counts = [each.batches[0].cumsum(axis=1).ravel() for each in (control, treatment)]
    n = own[0].n, own[1].n
    shut = not_yet(n, (counts[0], counts[1]), asymmetry(skewness(*own), *n))
    return shut.reshape(len(control.sums), -1)
