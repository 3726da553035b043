"""Baselines as levels: what is written of a metric before the experiment, ready to be planned with."""

from __future__ import annotations

from math import sqrt

from splitrun.infer.power.levels import Level, design_effect, mean, ratio, share
from splitrun.spec.power.baselines import Baseline, MeanBaseline, RatioBaseline, ShareBaseline

__all__ = ["level"]


def level(baseline: Baseline, *, adjusting: bool, clustered: bool) -> Level:
    """A baseline as a level.

    Args:
        baseline: As written.
        adjusting: Whether the plan adjusts, so that R² counts.
        clustered: Whether clusters are randomised, so that they count.

    Raises:
        SpecError: No metric can have it.
    """
    found = plain(baseline)
    if adjusting and baseline.r2 is not None:
        found = found.adjusted(baseline.r2)
    if clustered and baseline.clusters is not None:
        alike = baseline.clusters
        found = found.clustered(design_effect(alike.size, alike.icc, alike.spread))
    return found


def plain(baseline: Baseline) -> Level:
    """A baseline without what adjusting saves and clusters cost."""
    match baseline:
        case ShareBaseline(share=value):
            return share(value)
        case MeanBaseline(mean=value):
            return mean(value, baseline.squared)
        case RatioBaseline(over=over, under=under, correlation=correlation):
            covariance = correlation * sqrt(over.squared * under.squared)
            return ratio((over.mean, over.squared), (under.mean, under.squared), covariance)
