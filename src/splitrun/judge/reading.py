"""Read the effects once: from what was measured and what is doubted to the readout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from splitrun.check.evidence import Finding, Severity
from splitrun.check.times.looks import occasion
from splitrun.infer.heterogeneity import Heterogeneity as Cochran
from splitrun.infer.heterogeneity import at_any_time, cochran
from splitrun.infer.multiplicity import holm
from splitrun.judge.ahead.decision import decision
from splitrun.judge.ahead.prospects import prospect
from splitrun.judge.beside import capped, counts, parts
from splitrun.judge.comparisons import comparisons
from splitrun.judge.error_rates import Comparand, adjusted, discoveries
from splitrun.judge.limitations import limitations
from splitrun.judge.promises import Always
from splitrun.judge.readings import Reading, comparand, every_reading
from splitrun.judge.readout import (
    Comparison,
    Heterogeneity,
    Lineage,
    Look,
    Readout,
    Registration,
    UnitCount,
    Verdict,
)
from splitrun.judge.registered.post_hoc import astray, in_time, post_hoc, stray_test, whole_of
from splitrun.judge.rule import sign
from splitrun.judge.sentences import beside_holm, looking_ahead
from splitrun.measure.measured import Measured
from splitrun.plan.seal import digest
from splitrun.spec.analysis import Method, Multiplicity
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan

__all__ = ["readout"]


def readout(
    plan: Plan,
    measured: Measured,
    findings: Sequence[Finding],
    *,
    made_at: datetime,
    versions: Mapping[str, str],
    registration: Registration | None = None,
) -> Readout:
    """Read every effect that the plan names and judge it.

    Args:
        plan: What was to be done with the data.
        measured: What the data holds.
        findings: What the checks object, the gravest first; one `stop` makes every verdict invalid.
        made_at: The moment of reading, with its zone.
        versions: Versions of what computed, by name.
        registration: The sealed plan that this one is held to; None where none is known.

    Raises:
        SpecError: The plan holds a number that its canonical JSON cannot carry.
    """
    stops = tuple(finding.code for finding in findings if finding.severity is Severity.STOP)
    readings = tuple(every_reading(plan, measured))
    registration = dated(registration, measured.first_exposure)
    compared = tuple(judged(plan, measured, readings, stops, registration))
    tested = tuple(differing(plan, measured, readings, registration))
    look = look_of(plan, measured)
    return Readout(
        plan=plan,
        registered=in_time(registration) and not whole_of(registration),
        made_at=made_at,
        as_of=measured.as_of,
        first_exposure=measured.first_exposure,
        last_exposure=measured.last_exposure,
        units=unit_counts(plan, measured),
        findings=tuple(findings),
        comparisons=compared,
        heterogeneity=tested,
        limitations=limitations(plan, findings, look, registration=registration),
        lineage=lineage(plan, measured, versions),
        look=look,
        decision=decision(compared),
        registration=registration,
        post_hoc=post_hoc(registration, compared, tested),
    )


def dated(registration: Registration | None, first: datetime | None) -> Registration | None:
    """Hold the moment of sealing against the first exposure in the data, whatever the log says of it."""
    if registration is None or first is None or first >= registration.at:
        return registration
    return replace(registration, exposed_before=first)


def lineage(plan: Plan, measured: Measured, versions: Mapping[str, str]) -> Lineage:
    """What the readout is made of."""
    return Lineage(
        plan_digest=digest(plan),
        data=measured.sources,
        sql=measured.sql,
        versions=tuple(sorted(versions.items())),
    )


def judged(
    plan: Plan,
    measured: Measured,
    readings: Sequence[Reading],
    stops: tuple[str, ...],
    registration: Registration | None,
) -> Iterator[Comparison]:
    """Every comparison with its verdict; those over all units with what only they have."""
    corrected = adjusted_p(plan, readings, registration)
    registered = in_time(registration)
    for reading in readings:
        strays = astray(registration, reading.planned.key, reading.segment)
        for found in comparisons(reading, stops, registered=registered, exploratory=strays):
            yield whole(plan, measured, reading, found, corrected) if found.segment is None else found


def adjusted_p(
    plan: Plan, readings: Sequence[Reading], registration: Registration | None
) -> Mapping[tuple[str, str], tuple[float, Multiplicity]]:
    """Adjusted p over all units with how it was adjusted, by metric and variant.

    Primaries x treatments as the plan corrects, secondaries x treatments by Benjamini and Hochberg; those
    that were not sealed so are corrected among themselves.
    """
    whole = [reading for reading in readings if reading.segment is None]
    deciding = [comparand(reading) for reading in whole if reading.planned.role is Role.PRIMARY]
    explaining: dict[bool, list[Comparand]] = {True: [], False: []}
    for reading in whole:
        if reading.planned.role is Role.SECONDARY:
            explaining[not astray(registration, reading.planned.key)].append(comparand(reading))
    found = {**discoveries(explaining[True]), **discoveries(explaining[False])}
    return {
        **{key: (p, plan.analysis.multiplicity) for key, p in adjusted(plan, deciding).items()},
        **{key: (p, Multiplicity.BH) for key, p in found.items()},
    }


def whole(
    plan: Plan,
    measured: Measured,
    reading: Reading,
    comparison: Comparison,
    corrected: Mapping[tuple[str, str], tuple[float, Multiplicity]],
) -> Comparison:
    """Add what only a comparison over all units has: adjusted p, counts, its cap, its parts, its outlook."""
    p, how = corrected.get((comparison.metric, comparison.variant), (None, None))
    sides = []
    for which, arm in enumerate((comparison.control, comparison.treatment)):
        zeros, cut = counts(reading, measured, which)
        sides.append(replace(arm, zeros=zeros, capped=cut))
    unread = comparison.verdict in {Verdict.INVALID, Verdict.EXPLORATORY}
    ahead = None if unread else prospect(plan, measured, reading)
    says = comparison.says
    if how is Multiplicity.HOLM and p is not None and p < plan.analysis.alpha and undecided(comparison):
        says = beside_holm(says, p, plan.analysis.alpha)
    return replace(
        comparison,
        says=says if ahead is None else looking_ahead(says, ahead),
        outlook=ahead,
        control=sides[0],
        treatment=sides[1],
        p_adjusted=p,
        p_adjustment=how,
        capped=capped(plan, measured, reading),
        parts=parts(measured, reading),
    )


def undecided(comparison: Comparison) -> bool:
    """Whether a comparison is inconclusive because its interval holds 0."""
    return comparison.verdict is Verdict.INCONCLUSIVE and sign(comparison.absolute) == 0


def look_of(plan: Plan, measured: Measured) -> Look | None:
    """The planned look that a group-sequential readout counts as."""
    if plan.analysis.method is not Method.GROUP_SEQUENTIAL:
        return None
    now = occasion(plan, measured)
    return Look(number=now.looks, planned=now.planned, at=now.at, following=now.following)


def differing(
    plan: Plan, measured: Measured, readings: Sequence[Reading], registration: Registration | None
) -> Iterator[Heterogeneity]:
    """Cochran's Q of every primary and treatment over the levels of every segment, where it may be read.

    A test that was planned counts for Holm even where too few levels have numbers for it: its p is 1. Those
    that were not sealed so are corrected among themselves.
    """
    cut = [r for r in readings if r.segment is not None and r.planned.role is Role.PRIMARY]
    tests = [cochran(r.effects.absolute.effect, r.effects.absolute.stderr) for r in cut]
    ps = np.array([promised_p(reading, found) for reading, found in zip(cut, tests, strict=True)])
    own = np.array([not stray_test(registration, r.planned.key, r.segment) for r in cut], dtype=bool)
    corrected = np.ones_like(ps)
    for family in (own, ~own):
        corrected[family] = holm(ps[family])
    for index, (reading, found) in enumerate(zip(cut, tests, strict=True)):
        if reading.segment is None or not found.dof:
            continue
        why = unread_yet(plan, measured, reading)
        yield Heterogeneity(
            metric=reading.planned.key,
            variant=reading.variant,
            segment=reading.segment,
            q=found.q if why is None else None,
            dof=found.dof,
            p=float(ps[index]) if why is None else None,
            p_adjusted=float(corrected[index]) if why is None else None,
            withheld=why,
            registered=in_time(registration) and bool(own[index]),
        )


def promised_p(reading: Reading, found: Cochran) -> float:
    """The p of a test between levels: at any time where the intervals are read so, else of one reading."""
    match reading.grounds.promise:
        case Always() as promise:
            # each level's mixing variance is tuned to its part of the planned units
            whole = promise.rho2 / reading.pair.levels
            return at_any_time(found.q, found.dof, whole * float(reading.pair.total.sum()))
        case _:
            return found.p


def unread_yet(plan: Plan, measured: Measured, reading: Reading) -> str | None:
    """Why nobody may say yet whether the effects of a reading's levels differ; None where they may.

    Cochran's Q holds for one reading. Plans with looks before an end have it at that end, and always-valid
    ones at every moment from which every level has its verdict.
    """
    ending = plan.analysis.method in {Method.GROUP_SEQUENTIAL, Method.HYBRID}
    if ending and not occasion(plan, measured).ended:
        start = measured.first_exposure
        at = "" if start is None else f", {(start + plan.analysis.looks[-1]).isoformat(' ', 'minutes')}"
        return f"it is read at the planned end{at}, because the test holds for one reading"
    for level, why in zip(reading.cut.labels, reading.withheld, strict=True):
        if why is not None:
            return why if reading.grounds.descriptive else f"{level}: {why}"
    return None


def unit_counts(plan: Plan, measured: Measured) -> tuple[UnitCount, ...]:
    """Units exposed and analysed of every variant."""
    return tuple(
        UnitCount(
            variant=variant.key,
            weight=variant.weight if plan.weights_known else None,
            exposed=int(exposed),
            analysed=int(analysed),
        )
        for variant, exposed, analysed in zip(
            plan.variants, measured.exposed, measured.units()[:, 0], strict=True
        )
    )
