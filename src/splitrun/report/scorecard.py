"""The scorecard: a readout arranged for people, the same for text and HTML.

What decides comes first: doubts, then primaries, guardrails, secondary and diagnostic metrics; the levels of
a segment stand below all units. All bars share one axis, the lift in per cent of control.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from splitrun.check.evidence import Severity
from splitrun.infer.estimate import Estimate, Unknown
from splitrun.judge.numbers import LIFT, Scale, scale
from splitrun.judge.readout import Arm, Comparison, Heterogeneity, Readout, Verdict
from splitrun.judge.sentences import held_back, unread
from splitrun.report.axis import Axis, Bar, axis, bar
from splitrun.report.beside import Note, mean, notes, reading
from splitrun.report.printable import printable
from splitrun.report.registration.standing import Standing, standing
from splitrun.spec.model import Role
from splitrun.spec.plan import Plan, PlannedMetric

__all__ = ["Cut", "Group", "Row", "Scorecard", "Told", "Tone", "expectation", "scorecard"]


class Tone(StrEnum):
    """How a row is coloured where colours are to be had; the words say the same."""

    GOOD = "good"
    BAD = "bad"
    SETTLED = "settled"
    OPEN = "open"
    VOID = "void"


TONES = {
    Verdict.BETTER: Tone.GOOD,
    Verdict.WORSE: Tone.BAD,
    Verdict.EQUIVALENT: Tone.SETTLED,
    Verdict.INCONCLUSIVE: Tone.OPEN,
    Verdict.INVALID: Tone.VOID,
    Verdict.EXPLORATORY: Tone.OPEN,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison in words; texts hold nothing that a terminal would obey."""

    name: str
    """The metric, or the level of a segment below it; with the treatment where there are several."""
    segment: str | None
    """The segment that it is a level of; None over all units."""
    verdict: str
    """The verdict, or the outcome of a guardrail."""
    tone: Tone
    control: str
    """Control's level of the metric, like `33.87 %`."""
    treatment: str
    units: str
    """Units behind both, like `623 against 2,200 of 2,211 units` where some do not count."""
    effect: str
    """The effect with its interval and level, or why there is none."""
    lift: str
    """The lift with its interval and level, or why there is none."""
    p: str
    """p of the test behind the verdict, with the adjusted one where there is one."""
    better: str
    """Where better lies, like `lower is better`."""
    says: str
    """The sentence that defends the verdict."""
    bar: Bar | None
    """Where the lift lies on the axis; None without a lift."""
    notes: tuple[Note, ...]
    """What stands beside the effect: adjustment, cap, clusters, parts."""

    @property
    def below(self) -> bool:
        """Whether it is a level of a segment."""
        return self.segment is not None


@dataclass(frozen=True, slots=True)
class Cut:
    """The levels of one segment."""

    segment: str
    rows: tuple[Row, ...]

    @property
    def outline(self) -> str:
        """How its levels came out, like `near: 2 levels, 1 better, 1 inconclusive`."""
        counts = Counter(row.verdict for row in self.rows)
        levels = f"{len(self.rows)} level{'' if len(self.rows) == 1 else 's'}"
        return ", ".join(
            [f"{self.segment}: {levels}", *(f"{times} {what}" for what, times in counts.items())]
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to tell of one metric and treatment: over all units, and below it by segment."""

    whole: Row
    cuts: tuple[Cut, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one role."""

    title: str
    rows: tuple[Row, ...]

    @property
    def told(self) -> tuple[Told, ...]:
        """The rows over all units, each with the levels that stand below it."""
        starts = [number for number, row in enumerate(self.rows) if not (row.below and number)]
        ends = [*starts[1:], len(self.rows)]
        return tuple(
            Told(whole=self.rows[start], cuts=cuts(self.rows[start + 1 : end]))
            for start, end in zip(starts, ends, strict=True)
        )


def cuts(rows: Sequence[Row]) -> tuple[Cut, ...]:
    """Rows by their segment."""
    return tuple(
        Cut(segment=segment or "", rows=tuple(levels))
        for segment, levels in groupby(rows, key=lambda row: row.segment)
    )


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A readout arranged for people."""

    title: str
    hypothesis: str
    expected: str
    units: tuple[str, ...]
    """One sentence per variant."""
    warning: str | None
    """Why no effect may be read; None where they may."""
    groups: tuple[Group, ...]
    axis: Axis
    differing: tuple[str, ...]
    """Whether effects differ between the levels of a segment."""
    decision: str | None = None
    """What follows by the default rule; None where nothing does yet."""
    standing: tuple[Standing, ...] = ()
    """What it is held to; empty where no sealed plan is known."""
    post_hoc: tuple[str, ...] = ()
    """What was read and not sealed so."""

    @property
    def deciding(self) -> tuple[Row, ...]:
        """What decides: primaries and guardrails over all units."""
        return tuple(
            row
            for group in self.groups
            for row in group.rows
            if not row.below and group.title in {Role.PRIMARY.value, Role.GUARDRAIL.value}
        )


def scorecard(readout: Readout) -> Scorecard:
    """Arrange a readout for people."""
    plan = readout.plan
    planned = {metric.key: metric for metric in plan.metrics}
    scope = axis(readout.comparisons)
    several = len(plan.treatments) > 1
    whole = {(each.metric, each.variant): each for each in readout.comparisons if each.segment is None}
    rows = [
        (found.role, row(found, planned[found.metric], scope, several=several, whole=whole))
        for found in readout.comparisons
    ]
    stops = tuple(finding.code for finding in readout.findings if finding.severity is Severity.STOP)
    return Scorecard(
        title=printable(f"{plan.title or plan.key}: {', '.join(plan.treatments)} against control"),
        hypothesis=printable(f"{plan.hypothesis.change}, because {plan.hypothesis.because}"),
        expected=expectation(plan),
        units=tuple(
            f"{count.variant}: {count.exposed:,} units exposed, {count.analysed:,} analysed, "
            + ("weight unknown" if count.weight is None else f"weight {count.weight}")
            for count in readout.units
        ),
        warning=unread(stops) if stops else None,
        groups=tuple(grouped(rows)),
        axis=scope,
        differing=tuple(differs(found, plan.analysis.alpha) for found in readout.heterogeneity if not stops),
        decision=None if readout.decision is None else printable(readout.decision.says),
        standing=standing(readout.registration),
        post_hoc=tuple(map(printable, readout.post_hoc)),
    )


def expectation(plan: Plan) -> str:
    """What is expected of which metric, and how much would matter."""
    expect = plan.hypothesis.expect
    metric = next((one for one in plan.metrics if one.key == expect.metric), None)
    return f"{expect.metric} {expect.direction.value} by at least {written(metric).tolerance(expect.mei)}"


def differs(found: Heterogeneity, alpha: float) -> str:
    """Whether an effect differs between levels, with what Holm made of p where there were several tests."""
    whose = f"the effect of {found.variant} on {found.metric}"
    if found.q is None or found.p is None or found.p_adjusted is None:
        return f"whether {whose} differs between the levels of {found.segment} is not told: {found.withheld}"
    seen = "differs" if found.p_adjusted < alpha else "was not shown to differ"
    over = "" if found.p_adjusted == found.p else f", {found.p_adjusted:.2g} over all such tests"
    test = f"Cochran's Q = {found.q:.3g} on {found.dof}, p = {found.p:.2g}{over}"
    return f"{whose} {seen} between the levels of {found.segment} ({test})"


def grouped(rows: Sequence[tuple[Role, Row]]) -> list[Group]:
    """Rows by role in the order of the scorecard."""
    order = list(Role)
    ranked = sorted(rows, key=lambda pair: order.index(pair[0]))
    return [
        Group(title=role.value, rows=tuple(shown for _, shown in pairs))
        for role, pairs in groupby(ranked, key=lambda pair: pair[0])
    ]


def row(
    found: Comparison,
    planned: PlannedMetric,
    scope: Axis,
    *,
    several: bool,
    whole: Mapping[tuple[str, str], Comparison],
) -> Row:
    """Write one comparison in words.

    Args:
        found: The comparison.
        planned: Its metric.
        scope: Of all bars.
        several: Whether there are several treatments.
        whole: The comparisons over all units, by metric and variant; a reason told there is not told again.
    """
    units = written(planned)
    above = whole.get((found.metric, found.variant), found)
    effect, lift = reading(found.absolute, units), reading(found.relative, LIFT)
    if found.segment is not None and without_number(found) and found.absolute == above.absolute:
        effect = lift = "none, for the same reason as over all units"
    elif found.segment is None and without_number(found) and lift == effect:
        lift = "none, for the same reason"
    if found.suppressed is not None:
        effect = lift = held_back(found.suppressed)
    name = found.metric if found.segment is None else f"{found.segment} = {found.level or 'none'}"
    return Row(
        name=printable(f"{name} ({found.variant})" if several else name),
        segment=found.segment,
        verdict=outcome(found),
        tone=TONES[found.verdict],
        control=level(found, found.control, units),
        treatment=level(found, found.treatment, units),
        units=both(found),
        effect=effect,
        lift=lift,
        p=chance(found.p, found.p_adjusted),
        better=f"{planned.metric.better.value} is better",
        says=printable(found.says),
        bar=bar(found, planned, scope),
        notes=notes(found, planned.metric.kind, units),
    )


def level(found: Comparison, side: Arm, units: Scale) -> str:
    """The metric's level in a variant."""
    return mean(side.mean, units) if found.suppressed is None else "withheld"


def without_number(found: Comparison) -> bool:
    """Whether a comparison has a reason in place of an effect."""
    match found.absolute:
        case Unknown():
            return True
        case Estimate():
            return False


def both(found: Comparison) -> str:
    """Units behind both variants, or that there are too few to be told."""
    if found.suppressed is not None:
        return "units withheld"
    return f"{counted(found.control)} against {counted(found.treatment)} units"


def counted(side: Arm) -> str:
    """Units that count, and of how many where some do not."""
    return f"{side.units:,}" + ("" if side.units == side.exposed else f" of {side.exposed:,}")


def outcome(found: Comparison) -> str:
    """The word in the verdict's column: a guardrail's own outcome says more than its verdict."""
    if found.suppressed is not None:
        return "withheld"
    return found.verdict.value if found.guardrail is None else found.guardrail.value.replace("_", " ")


def chance(p: float | None, adjusted: float | None) -> str:
    """A p with the adjusted one beside it."""
    if p is None:
        return "none"
    return f"{p:.2g}" + ("" if adjusted is None else f" (adjusted {adjusted:.2g})")


def written(planned: PlannedMetric | None) -> Scale:
    """How a metric's numbers are written; plainly where the plan does not hold it."""
    return Scale(1.0, "", "") if planned is None else scale(planned.metric)
