"""Missing outcomes: units whose value is not known are left out, and it matters which."""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, betaincc, chdtrc

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import listed, percent
from splitrun.moments import FloatArray

__all__ = ["ALARM", "missing_outcome", "unequal"]

ALARM = 0.001


def missing_outcome(evidence: Evidence) -> Finding | None:
    """Count missing outcomes per metric and variant, and test whether the variants lose them equally.

    A loss that differs between variants selects units by what the change did: no effect is safe from it.
    """
    variants = [variant.key for variant in evidence.plan.variants]
    biased: list[str] = []
    plain: list[str] = []
    blind: list[str] = []
    for planned in evidence.plan.metrics:
        missing = evidence.measured.columns[planned.key].missing.astype(np.float64)
        if not missing.sum():
            continue
        _, parts = evidence.measured.by_variant(planned.key)
        units = missing + np.array([part.n[0] for part in parts])
        shares = listed(
            f"{variant} {lost:,.0f} of {of:,.0f} ({percent(lost, of)})"
            for variant, lost, of in zip(variants, missing, units, strict=True)
            if of
        )
        blind += [
            f"{planned.key} in {variant}"
            for variant, lost, of in zip(variants, missing, units, strict=True)
            if of and lost == of
        ]
        p = unequal(missing, units)
        (biased if p < ALARM else plain).append(
            f"{planned.key}: {shares}" + (f", p = {p:.1g}" if p < ALARM else "")
        )
    if blind or biased or plain:
        return told(blind, biased, plain)
    return None


def told(blind: list[str], biased: list[str], plain: list[str]) -> Finding:
    """Weigh what is missing: everything of a variant, unequal parts, or equal ones."""
    if blind:
        return Finding(
            code="missing_outcome",
            severity=Severity.STOP,
            says=f"no unit has a known outcome ({listed(blind)}): {'; '.join(biased + plain)}",
            next="look at the column that the metric reads: is it empty, or written as no number?",
        )
    if biased:
        return Finding(
            code="missing_outcome",
            severity=Severity.WARN,
            says=f"outcomes are missing unequally; the units left may differ ({'; '.join(biased + plain)})",
            next="find out why; bound the effect by counting the missing as all 0, then as all 1",
        )
    return Finding(
        code="missing_outcome",
        severity=Severity.NOTE,
        says=f"units with a missing outcome were left out, never counted 0 ({'; '.join(plain)})",
        next="nothing, while the variants lose them equally",
    )


def unequal(missing: FloatArray, units: FloatArray) -> float:
    """How probable losses so unequal are if every variant loses outcomes at the same rate (a p value).

    Pearson's chi-square over the table of 2 x variants counts; where fewer than 5 missing are due in a
    variant (Cochran 1954), binomial tails of each variant's part of the missing, Bonferroni over variants.

    Args:
        missing: Units with a missing outcome, shape (variants,).
        units: All units, shape (variants,).
    """
    missing, units = missing[units > 0], units[units > 0]
    lost, everyone = missing.sum(), units.sum()
    if len(units) < 2 or lost in (0, everyone):
        return 1.0
    due = units * lost / everyone
    if min(due.min(), (units - due).min()) >= 5:
        spread = ((missing - due) ** 2 / due + (missing - due) ** 2 / (units - due)).sum()
        return float(chdtrc(len(units) - 1, spread))
    part = units / everyone
    # binomial tails as incomplete beta functions; their parameters stay positive where the tail is 1
    above = np.where(missing > 0, betainc(np.maximum(missing, 1), lost - missing + 1, part), 1.0)
    below = np.where(missing < lost, betaincc(missing + 1, np.maximum(lost - missing, 1), part), 1.0)
    tails = 2 * len(units) * np.minimum(above, below)
    return min(1.0, float(tails.min()))
