"""What a reader must not conclude: filled in from the plan and the findings, never by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from splitrun.check.evidence import Finding
from splitrun.judge.grounds import open_ended
from splitrun.judge.readout import Look, Registration
from splitrun.plan.representation.frame import left_out, represented
from splitrun.spec.analysis import Method, Mode, Multiplicity
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan

__all__ = ["limitations"]

OF_FINDINGS = {
    "after_planned_end": "the data goes on after the planned end, for which nothing was planned",
    "cap_from_experiment": "a cap was taken from the experiment's own values, blind to the variants",
    "coarse_quantile": "quantiles were read from a histogram, and are exact to within the bound that is told",
    "crossover": "some units met several variants; effects are those of the variant met first",
    "denominator_moved": "a ratio whose denominator moves compares different sets in the variants",
    "early_look": "this reading comes before the planned end, and holds only if it is the only one",
    "immature": "units whose window has not passed are not in the effects yet",
    "missing_outcome": "effects speak of the units whose outcome is known",
    "no_cluster": "units without a cluster are left out",
    "erased": "units that were erased or opted out are not in the effects any more",
    "few_clusters": "with so few clusters the intervals may not hold what they promise",
    "no_exposure_time": "without times nobody can see novelty, seasons or what came before exposure",
    "partial_weeks": "days of the week are not covered equally often",
    "planned_end_missed": "the planned end has come, but this reading is as of the last row, before it",
    "skewed": "where values are skewed and variants uneven, intervals miss more often on one side",
    "too_few_units": "with so few units the intervals may not hold what they promise",
    "untriggered": "effects speak of units that met the trigger, not of all exposed ones",
    "weights_unknown": "the weights are unknown, so lost units would not have been noticed",
    "zero_spread": "where a metric has no spread in either variant, no effect can be told",
}
"""By code of the finding; codes that change what an effect means."""


def limitations(
    plan: Plan, findings: Sequence[Finding], look: Look | None = None, *, registration: Registration | None
) -> tuple[str, ...]:
    """Sentences on what this readout cannot show, in a fixed order."""
    raised = {finding.code for finding in findings}
    of_findings = [says for code, says in OF_FINDINGS.items() if code in raised]
    return (*of_seal(registration), *of_plan(plan, look), *of_findings, *assumed(plan))


def of_seal(registration: Registration | None) -> Iterator[str]:
    """What follows from when the plan was sealed, and from what is not as it was sealed."""
    if registration is None:
        yield "the plan was not registered before the data was seen; it was sealed when the data was read"
        return
    if registration.late is not None:
        yield "the plan was sealed late, after units had been exposed: it may have been made to fit them"
    elif registration.exposed_before is not None:
        yield "the data begins before the plan was sealed: the plan may have been made to fit it"
    if registration.reach:
        yield "what is exploratory is not as it was sealed before the data: it explains, and decides nothing"
    if not registration.recorded:
        yield (
            "this reading stands in no log of looks, so nobody can count it; "
            "`splitrun readout` reads the sealed plan and records the look"
        )


def of_plan(plan: Plan, look: Look | None) -> Iterator[str]:
    """What follows from how the plan was made."""
    yield from of_looks(plan, look)
    if plan.moments is not None:
        yield "the sums were made elsewhere, so the rows behind them could not be checked"
    if plan.analysis.multiplicity is Multiplicity.NONE:
        yield "primaries are not corrected for their number: some will look clear by chance"
    roles = {planned.role for planned in plan.metrics}
    if roles & {Role.SECONDARY, Role.DIAGNOSTIC}:
        yield "secondary and diagnostic metrics are not corrected for their number: they explain, not decide"
    if plan.segments:
        yield "segment intervals are corrected for the levels of their segment, not for several segments"
    yield from of_clusters(plan)
    watched = [
        planned.key
        for planned in plan.metrics
        if planned.guardrail is not None and planned.guardrail.mode is Mode.WATCH
    ]
    if watched:
        yield f"only harm was looked for in {', '.join(watched)}; that they are safe was not put to proof"
    yield from of_frame(plan)


def of_frame(plan: Plan) -> Iterator[str]:
    """For whom the effects hold, where the plan says whom its units should represent."""
    declared, found = plan.delivery.frame, represented(plan)
    if declared is None:
        return
    if found is None:
        yield f"how far the units stand for the population {declared.population} was not measured"
    elif left_out(found):
        yield f"effects hold for {found.audience or 'the frame'}; {left_out(found)}"


def of_clusters(plan: Plan) -> Iterator[str]:
    """What does not allow for units that are alike within clusters."""
    if plan.exposures is None or plan.exposures.cluster is None:
        return
    name = plan.exposures.cluster
    if plan.segments:
        yield f"whether effects differ between levels is tested as if no {name} had units in several levels"


def of_looks(plan: Plan, look: Look | None) -> Iterator[str]:
    """What the intervals promise, and what they do not."""
    match plan.analysis.method:
        case Method.FIXED:
            yield (
                "intervals hold for one look at a moment chosen beforehand; "
                "looking again makes them too narrow"
            )
        case Method.GROUP_SEQUENTIAL:
            if look is not None and look.at is not None:
                at = look.at.isoformat(" ", "minutes")
                yield (
                    f"this reading counts as look {look.number} of {look.planned}, planned for {at}: "
                    "intervals hold over one reading at each look, and not for a second one before the next"
                )
        case Method.SEQUENTIAL:
            yield "intervals hold at every moment, and are wider than those of one look for it"
        case Method.HYBRID:
            yield (
                "intervals hold at every moment with a tenth of alpha, "
                "and once at the planned end with the rest"
            )
    open_end = [
        planned.key
        for planned in plan.metrics
        if plan.analysis.method is not Method.FIXED and open_ended(planned.metric)
    ]
    if open_end:
        yield f"{', '.join(open_end)} have no window, so their intervals only describe this moment"


def assumed(plan: Plan) -> Iterator[str]:
    """What the authors of the plan took for granted."""
    for assumption in plan.assumptions:
        yield f"assumed by the plan: {assumption}"
