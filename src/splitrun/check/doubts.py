"""All checks in their order, and the findings they raise on one body of evidence."""

from __future__ import annotations

from collections.abc import Callable

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.outcomes.capped import cap_from_experiment
from splitrun.check.outcomes.coarse import coarse_quantile
from splitrun.check.outcomes.denominator import denominator_moved
from splitrun.check.outcomes.mature import immature
from splitrun.check.outcomes.missing import missing_outcome
from splitrun.check.outcomes.skewed import skewed
from splitrun.check.outcomes.spread import zero_spread
from splitrun.check.rows.numbers import not_finite, text_in_number
from splitrun.check.rows.quarantined import quarantined_rows
from splitrun.check.rows.unexposed import events_unexposed, no_events_met
from splitrun.check.times.events import events_before_exposure, events_no_time
from splitrun.check.times.exposure import exposures_no_time, no_exposure_time
from splitrun.check.times.looks import (
    after_planned_end,
    before_first_look,
    blinded,
    early_look,
    partial_weeks,
    planned_end_missed,
)
from splitrun.check.times.reach import future_rows, late_events, source_ends_early
from splitrun.check.times.zones import mixed_time_zones, zoneless
from splitrun.check.units.cluster import few_clusters, no_cluster
from splitrun.check.units.enough import too_few_units
from splitrun.check.units.erased import erased
from splitrun.check.units.identity import conflicting_rows, duplicate_exposures, no_unit
from splitrun.check.units.logged import exposures_left_out
from splitrun.check.units.represented import unrepresentative
from splitrun.check.units.untriggered import untriggered
from splitrun.check.variants.crossover import crossover
from splitrun.check.variants.empty import empty_variant
from splitrun.check.variants.labels import no_variant, unknown_variant
from splitrun.check.variants.leaving import leaving
from splitrun.check.variants.split import split, triggered_split
from splitrun.check.variants.weights import weights_unknown

__all__ = ["CHECKS", "Check", "doubts"]

Check = Callable[[Evidence], Finding | None]

CHECKS: tuple[Check, ...] = (
    split,
    triggered_split,
    empty_variant,
    no_events_met,
    crossover,
    conflicting_rows,
    missing_outcome,
    unknown_variant,
    before_first_look,
    after_planned_end,
    planned_end_missed,
    early_look,
    partial_weeks,
    denominator_moved,
    skewed,
    too_few_units,
    unrepresentative,
    zero_spread,
    no_unit,
    no_cluster,
    few_clusters,
    exposures_no_time,
    events_no_time,
    mixed_time_zones,
    future_rows,
    source_ends_early,
    quarantined_rows,
    text_in_number,
    not_finite,
    weights_unknown,
    no_exposure_time,
    immature,
    cap_from_experiment,
    coarse_quantile,
    exposures_left_out,
    erased,
    leaving,
    late_events,
    untriggered,
    no_variant,
    duplicate_exposures,
    events_before_exposure,
    events_unexposed,
    zoneless,
)
"""Every check, named like its finding's code, in the order in which findings of one severity are shown."""

GRAVEST_FIRST = (Severity.STOP, Severity.WARN, Severity.NOTE)


TELLING: frozenset[Check] = frozenset((denominator_moved, skewed))
"""Checks that read outcomes by variant and cannot speak without telling them."""


def doubts(evidence: Evidence) -> tuple[Finding, ...]:
    """Ask every check; the gravest findings come first.

    While no effect may be shown, checks that would tell one are not asked.
    """
    asked = [check for check in CHECKS if check not in TELLING] if blinded(evidence) else CHECKS
    raised = [finding for check in asked if (finding := check(evidence)) is not None]
    return tuple(sorted(raised, key=lambda finding: GRAVEST_FIRST.index(finding.severity)))
