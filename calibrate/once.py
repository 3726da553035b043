"""Methods that are read once, on units: means, ratios, lifts, margins, adjustment, and families."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from calibrate.figures import GATE, ONE_SIDED, Figure, Part, alarms, covered, fixed, shown
from calibrate.worlds import STRATA, Drawn, World, drawn
from splitrun.infer.adjustment import adjusted, stratified
from splitrun.infer.contrast import difference, lift, noninferior
from splitrun.infer.estimate import Estimates, Points
from splitrun.infer.looks.always import asymmetry
from splitrun.infer.means import means, skewness
from splitrun.infer.multiplicity import (
    benjamini_hochberg,
    benjamini_yekutieli,
    bonferroni,
    dunnett_critical,
    holm,
)
from splitrun.infer.ratios import ratio_skewness, ratios
from splitrun.moments import FloatArray

__all__ = ["EFFECT", "MARGIN", "TREATMENTS", "Trial", "gate", "once", "trial"]

EFFECT = 0.05
"""Of the treatment that coverage is read from, as a part of control's mean."""
MARGIN = 0.1
"""How much worse is still acceptable: of control's mean, or as many units of the metric."""
RATIO = "ratio (delta method)"
MARGINS = ("non-inferiority, absolute margin", "non-inferiority, relative margin")
TREATMENTS = 3
"""Against one control, in a family."""

Pair = tuple[Points, Points]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Simulated experiments of one world and split."""

    world: World
    control: Drawn
    treatments: tuple[Drawn, ...]
    """Without an effect."""
    worse: Drawn
    """Worse by just the margin."""
    better: Drawn
    """Better by the effect; a fifth of the runs."""


def trial(rng: np.random.Generator, world: World, runs: int, sizes: tuple[int, int], batches: int) -> Trial:
    """Draw experiments; `sizes` are units per batch of control and of every treatment."""
    control = drawn(rng, world, (runs, batches, sizes[0]))
    shape = (runs, batches, sizes[1])
    return Trial(
        world=world,
        control=control,
        treatments=tuple(drawn(rng, world, shape) for _ in range(TREATMENTS)),
        worse=drawn(rng, world, shape, effect=-MARGIN),
        better=drawn(rng, world, (max(runs // 5, 1), batches, sizes[1]), effect=EFFECT),
    )


def gate(control: Drawn, treatment: Drawn, *, ratio: bool = False) -> float:
    """Skewness of the difference in means, or in ratios, from the values of all runs together."""
    own = [each.columns(0, 1) if ratio else each.columns(0) for each in (control, treatment)]
    one = [each.gathered(np.zeros(len(each.n), dtype=np.int64), 1) for each in own]
    skew = ratio_skewness(*one) if ratio else skewness(*one)
    return float(asymmetry(skew, control.units, treatment.units)[0])


def once(run: Trial) -> list[Part]:
    """All methods that are read once, one part each."""
    n = (run.control.units, run.worse.units)
    g = gate(run.control, run.treatments[0])
    of_ratio = gate(run.control, run.treatments[0], ratio=True)
    mean = run.world.mean
    ratio = mean / run.world.under
    parts: dict[str, tuple[Figure, ...]] = {
        "fixed difference": contrast(run, averages, difference, EFFECT * mean),
        RATIO: contrast(run, quotients, difference, EFFECT * ratio),
        "lift (Fieller)": contrast(run, averages, lift, EFFECT),
        MARGINS[0]: margin(run, relative=False),
        MARGINS[1]: margin(run, relative=True),
        "adjusted (Lin, one covariate)": contrast(run, regressed, difference, EFFECT * mean),
        "post-stratified (three strata)": contrast(run, by_stratum, difference, EFFECT * mean),
        **families(run),
    }
    return [
        Part(
            method,
            figures,
            n,
            of_ratio if method == RATIO else g,
            most=ONE_SIDED if method in MARGINS else GATE,
        )
        for method, figures in parts.items()
    ]


def averages(control: Drawn, treatment: Drawn) -> Pair:
    """Means per unit."""
    return means(control.columns(0)), means(treatment.columns(0))


def quotients(control: Drawn, treatment: Drawn) -> Pair:
    """Ratios of totals."""
    return ratios(control.columns(0, 1)), ratios(treatment.columns(0, 1))


def regressed(control: Drawn, treatment: Drawn) -> Pair:
    """Means adjusted for the covariate."""
    found = adjusted(control.columns(0, 2), treatment.columns(0, 2), covariates=1)
    return found.control, found.treatment


def by_stratum(control: Drawn, treatment: Drawn) -> Pair:
    """Means over strata."""
    parts = [[each.stratum(index) for index in range(STRATA)] for each in (control, treatment)]
    found = adjusted(*stratified(parts[0], parts[1]), covariates=STRATA)
    return found.control, found.treatment


class Question(Protocol):
    """What is asked of two variants' levels: `difference` or `lift`."""

    def __call__(self, control: Points, treatment: Points, *, level: float) -> Estimates:
        """Answer it, cell by cell."""
        ...


def contrast(
    run: Trial,
    levels: Callable[[Drawn, Drawn], Pair],
    question: Question,
    truth: float,
) -> tuple[Figure, ...]:
    """False alarms of a two-sided p without an effect, and coverage with one."""
    null = question(*levels(run.control, run.treatments[0]), level=0.95)
    some = run.control.head(len(run.better.sums))
    return *fixed(null.p), covered(question(*levels(some, run.better), level=0.95), truth)


def margin(run: Trial, *, relative: bool) -> tuple[Figure, ...]:
    """How often a treatment worse by just the margin is proved harmless, and coverage of the bound."""
    mean = run.world.mean

    def asked(control: Drawn, treatment: Drawn) -> Estimates:
        return noninferior(
            *averages(control, treatment),
            margin=MARGIN if relative else MARGIN * mean,
            relative=relative,
            better_higher=True,
            level=0.95,
        )

    some = run.control.head(len(run.better.sums))
    truth = (EFFECT + MARGIN) * mean
    return *fixed(asked(run.control, run.worse).p), covered(asked(some, run.better), truth)


def families(run: Trial) -> dict[str, tuple[Figure, ...]]:
    """Three treatments against one control: any false alarm, and with one treatment truly better."""
    null = [difference(*averages(run.control, each), level=0.95) for each in run.treatments]
    p = np.stack([np.where(each.why == 0, each.p, 1.0) for each in null], axis=1)
    some = run.control.head(len(run.better.sums))
    others = [each.head(len(run.better.sums)) for each in run.treatments[1:]]
    mixed = [difference(*averages(some, each), level=1 - 0.05 / TREATMENTS) for each in (run.better, *others)]
    mixed_p = np.stack([np.where(each.why == 0, each.p, 1.0) for each in mixed], axis=1)
    truths = (EFFECT * run.world.mean, 0.0, 0.0)
    together = np.logical_and.reduce(
        [(each.low <= truth) & (truth <= each.high) for each, truth in zip(mixed, truths, strict=True)]
    )
    return {
        "Bonferroni, three treatments": (
            *any_of(rows(bonferroni, p)),
            shown(together.astype(np.float64), at_least=True),
        ),
        "Holm, three treatments": (*any_of(rows(holm, p)), wrongly(rows(holm, mixed_p))),
        "Benjamini-Hochberg, three treatments": (
            *any_of(rows(benjamini_hochberg, p)),
            wrongly(rows(benjamini_hochberg, mixed_p), part=True),
        ),
        "Benjamini-Yekutieli, three treatments": (
            *any_of(rows(benjamini_yekutieli, p)),
            wrongly(rows(benjamini_yekutieli, mixed_p), part=True),
        ),
        "Dunnett, three treatments": dunnett(run, null, mixed, truths),
    }


def rows(method: Callable[[FloatArray], FloatArray], p: FloatArray) -> FloatArray:
    """Adjusted p of every run, shape (runs, treatments)."""
    return np.array([method(each) for each in p])


def any_of(adjusted_p: FloatArray) -> tuple[Figure, Figure]:
    """T1 and T2 of a family without effects: any comparison alarmed. Families may err less than alpha."""
    least = adjusted_p.min(axis=1)
    alarmed = [(least < alpha).astype(np.float64) for alpha in (0.05, 0.01)]
    return alarms("T1", alarmed[0], 0.05, at_most=True), alarms("T2", alarmed[1], 0.01, at_most=True)


def wrongly(adjusted_p: FloatArray, *, part: bool = False) -> Figure:
    """How often, with the first treatment truly better, one of the others alarms; or their part of alarms."""
    alarmed = adjusted_p < 0.05
    wrong = alarmed[:, 1:].sum(axis=1)
    if part:
        return alarms("T4", wrong / np.maximum(alarmed.sum(axis=1), 1), 0.05, at_most=True)
    return alarms("T4", (wrong > 0).astype(np.float64), 0.05, at_most=True)


def dunnett(
    run: Trial, null: Sequence[Estimates], mixed: Sequence[Estimates], truths: Sequence[float]
) -> tuple[Figure, ...]:
    """Dunnett's common reach: any false alarm, and all three truths held together."""
    of_control = means(run.control.columns(0)).variance
    loadings = np.array([np.sqrt(np.mean(of_control / each.stderr**2)) for each in null])
    dof = min(float(np.median(each.dof)) for each in null)
    c = [dunnett_critical(loadings, level=1 - alpha, dof=dof) for alpha in (0.05, 0.01)]
    largest = np.max([np.abs(each.effect / each.stderr) for each in null], axis=0)
    off = [np.abs((each.effect - truth) / each.stderr) for each, truth in zip(mixed, truths, strict=True)]
    return (
        alarms("T1", (largest > c[0]).astype(np.float64), 0.05),
        alarms("T2", (largest > c[1]).astype(np.float64), 0.01),
        shown((np.max(off, axis=0) <= c[0]).astype(np.float64)),
    )
