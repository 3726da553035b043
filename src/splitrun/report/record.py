"""What stands behind a readout, as sheets: numbers, plan, data, versions; for Markdown as for HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from splitrun.judge.numbers import plain, scale
from splitrun.judge.readout import Look, Readout, Registration
from splitrun.report.printable import printable
from splitrun.report.scorecard import Group, Row, expectation
from splitrun.spec.model import Model
from splitrun.spec.plan import Plan, PlannedMetric

__all__ = [
    "Sheet",
    "beside",
    "data_sheets",
    "differences",
    "moments_of",
    "numbers",
    "pairs",
    "plan_sheets",
    "sheet",
    "statements",
    "units_sheet",
    "version_sheet",
    "written_out",
]

ASIDE = {"kind", "better", "owner", "describe", "key"}
"""What a metric's definition need not repeat: it has a column of its own."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table in words; texts hold nothing that a terminal would obey."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sheet(title: str, heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Sheet:
    """A table whose texts are made printable."""
    return Sheet(title, heads, tuple(tuple(printable(cell) for cell in row) for row in rows))


def numbers(group: Group) -> Sheet:
    """The numbers behind the bars of a role."""
    heads = (
        "Metric",
        "Verdict",
        "Control",
        "Treatment",
        "Units",
        "Effect",
        "Lift",
        "p of the verdict's test",
    )
    return sheet(
        f"Numbers of the {group.title} metrics",
        heads,
        (
            (name, row.verdict, row.control, row.treatment, row.units, row.effect, row.lift, row.p)
            for name, row in named(group)
        ),
    )


def beside(group: Group) -> Sheet:
    """What stands beside the effects of a role: adjustment, caps, zeros, clusters, parts."""
    return sheet(
        f"Beside the effects of the {group.title} metrics",
        ("Metric", "What", "Value"),
        (
            (name, note.name, "; ".join(filter(None, (note.says, note.warning))))
            for name, row in named(group)
            for note in row.notes
        ),
    )


def named(group: Group) -> Iterator[tuple[str, Row]]:
    """Every row of a role, levels of segments under the name of their metric too."""
    for told in group.told:
        yield told.whole.name, told.whole
        for row in (level for cut in told.cuts for level in cut.rows):
            yield f"{told.whole.name}, {row.name}", row


def units_sheet(readout: Readout) -> Sheet:
    """The units of every variant."""
    return sheet(
        "Units of every variant",
        ("Variant", "Weight", "Exposed", "Analysed"),
        (
            (
                count.variant,
                "unknown" if count.weight is None else str(count.weight),
                f"{count.exposed:,}",
                f"{count.analysed:,}",
            )
            for count in readout.units
        ),
    )


def differences(readout: Readout) -> Sheet:
    """Cochran's Q of primaries over the levels of segments."""
    return sheet(
        "Tests of no difference between levels",
        ("Metric", "Treatment", "Segment", "Cochran's Q", "Degrees of freedom", "p"),
        (
            (
                found.metric,
                found.variant,
                found.segment,
                "not told yet" if found.q is None else f"{found.q:.3g}",
                str(found.dof),
                "not told yet" if found.p is None else f"{found.p:.2g}",
            )
            for found in readout.heterogeneity
        ),
    )


def moments_of(readout: Readout) -> Sheet:
    """When it was made and of which time it speaks."""
    digest = readout.lineage.plan_digest
    return sheet(
        "This readout",
        ("What", "Value"),
        iter(
            (
                ("read at", moment(readout.made_at)),
                ("data as of", moment(readout.as_of)),
                ("first exposure", moment(readout.first_exposure)),
                ("last exposure", moment(readout.last_exposure)),
                *looked(readout.look),
                ("plan registered", registered(readout.registration)),
                ("digest of the plan", digest),
            )
        ),
    )


def registered(found: Registration | None) -> str:
    """When the plan was sealed, and whether it is what was read."""
    if found is None:
        return "not before the data was seen"
    if not found.in_time:
        return "late, after units had been exposed"
    return "before the first exposure" + ("; not all that is read is as it was sealed" if found.reach else "")


def looked(look: Look | None) -> Iterator[tuple[str, str]]:
    """Which of the planned looks it counts as; nothing where none are planned."""
    if look is not None:
        following = "none" if look.following is None else moment(look.following)
        yield "look", f"{look.number} of {look.planned}" + ("" if look.at is None else f", {moment(look.at)}")
        yield "next look", following


def plan_sheets(readout: Readout) -> tuple[Sheet, ...]:
    """The plan: hypothesis, metrics, analysis, segments, sources, assumptions and delivery."""
    return written_out(readout.plan)


def written_out(plan: Plan) -> tuple[Sheet, ...]:
    """A plan, by content."""
    sheets = (
        pairs("Hypothesis", hypothesis(plan, expectation(plan))),
        sheet(
            "Metrics",
            ("Metric", "Role", "Kind", "Better", "Definition", "Held against", "Describes"),
            (defined(planned) for planned in plan.metrics),
        ),
        pairs("Analysis", analysis(plan)),
        pairs("Segments", ((cut.key, spelled(cut.segment)) for cut in plan.segments)),
        pairs("Sources", sources(plan)),
        pairs("Assumptions", ((str(number), text) for number, text in enumerate(plan.assumptions, 1))),
        pairs("Delivery", fields(plan.delivery)),
    )
    return tuple(found for found in sheets if found.rows)


def pairs(title: str, rows: Iterator[tuple[str, ...]]) -> Sheet:
    """A table of names and values."""
    return sheet(title, ("What", "Value"), rows)


def hypothesis(plan: Plan, expected: str) -> Iterator[tuple[str, str]]:
    """What is tried, on what, and who answers for it."""
    yield "what changes", plan.hypothesis.change
    yield "because", plan.hypothesis.because
    yield "expected", expected
    yield "unit", plan.unit
    yield "treatments", ", ".join(plan.treatments)
    yield "owner", plan.owner or "none"


def defined(planned: PlannedMetric) -> tuple[str, ...]:
    """A metric by content."""
    metric, units = planned.metric, scale(planned.metric)
    held = "none" if planned.mei is None else f"minimum effect of interest {units.tolerance(planned.mei)}"
    if planned.guardrail is not None:
        held = f"margin {units.tolerance(planned.guardrail.margin)}, {planned.guardrail.mode.value}"
    return (
        planned.key,
        planned.role.value,
        metric.kind,
        metric.better.value,
        "; ".join(f"{name} {value}" for name, value in fields(metric) if name not in ASIDE),
        held,
        metric.describe or "none",
    )


def analysis(plan: Plan) -> Iterator[tuple[str, str]]:
    """How effects are judged, and of which units."""
    yield from fields(plan.analysis)
    yield "weights", "known" if plan.weights_known else "unknown"
    if plan.trigger is not None:
        yield "trigger", spelled(plan.trigger)
    if plan.duration is not None:
        yield "duration", spelled(plan.duration)
    yield "timezone", plan.timezone


def sources(plan: Plan) -> Iterator[tuple[str, str]]:
    """The rows that are read."""
    if plan.exposures is not None:
        yield "exposures", spelled(plan.exposures)
    if plan.moments is not None:
        yield "moments", spelled(plan.moments)
    for source in plan.sources:
        yield source.key, spelled(source.source)


def data_sheets(readout: Readout) -> tuple[Sheet, ...]:
    """What was read."""
    return (
        sheet(
            "Data",
            ("Name", "Form", "Where", "Rows", "Digest"),
            (
                (facts.name, facts.form, facts.where, f"{facts.rows:,}", facts.digest or "none")
                for facts in readout.lineage.data
            ),
        ),
    )


def version_sheet(readout: Readout) -> Sheet:
    """The programs that made it."""
    return sheet("Versions", ("Program", "Version"), iter(readout.lineage.versions))


def statements(readout: Readout) -> tuple[tuple[str, str], ...]:
    """The SQL that was run, by what it was for; lines are kept."""
    return tuple(
        (printable(ran.name), "\n".join(printable(line) for line in ran.sql.splitlines()))
        for ran in readout.lineage.sql
    )


def moment(at: datetime | None) -> str:
    """A moment with its zone, to the second."""
    return "unknown: the data has no times" if at is None else at.isoformat(sep=" ", timespec="seconds")


def spelled(model: Model) -> str:
    """What a spec says, on one line."""
    return "; ".join(f"{name} {value}" for name, value in fields(model))


def fields(model: Model) -> Iterator[tuple[str, str]]:
    """What a spec says, field by field; what it leaves open is left out."""
    for name, value in model.model_dump(mode="json", by_alias=True, exclude_none=True).items():
        if value not in ((), [], {}):
            yield name.replace("_", " "), told(value)


def told(value: object) -> str:
    """A value of a spec in words."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.12g}"
        case int():
            return plain(value, 0)
        case {"value": float() as size, "relative": bool() as relative}:
            return f"{size * 100:g} % of control" if relative else f"{size:g}"
        case dict():
            return ", ".join(f"{name}: {told(part)}" for name, part in value.items() if part is not None)
        case list():
            return ", ".join(told(part) for part in value) or "none"
        case _:
            return str(value)
