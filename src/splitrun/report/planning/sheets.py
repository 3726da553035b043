"""A preview as sentences and tables; terminal, Markdown and page are made of the same."""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.plan.power.forecast import Forecast
from splitrun.plan.representation.frame import represented
from splitrun.report.forecast.text import head as size_of
from splitrun.report.forecast.text import pointed, priced, row
from splitrun.report.planning.frame import frame_says, frame_sheet
from splitrun.report.planning.preview import Preview, Standing
from splitrun.report.planning.rule import looking
from splitrun.report.printable import printable
from splitrun.report.record import Sheet, pairs, sheet
from splitrun.report.scorecard import expectation
from splitrun.spec.plan import Plan

__all__ = [
    "bare", "baselines", "calendar", "framed", "kept", "points", "question", "size", "state", "titled",
    "variants", "verdict", "ways",
]  # fmt: skip

ONE_LINE = 100_000
"""Columns of a sentence that is broken by whoever shows it."""


def titled(found: Preview) -> str:
    """What is planned, in one line."""
    plan = found.plan
    return printable(f"{plan.title or plan.key}: {', '.join(plan.treatments)} against control")


def verdict(found: Preview) -> str:
    """Whether it can be sealed."""
    open_rules = [rule for rule in found.rules if rule.waiver is None]
    count = len(found.refusals) + len(open_rules)
    if not count:
        waived = len({rule.name for rule in found.rules} | {rule.value for rule in found.plan.waivers})
        return "can be registered" + (f", with {waived} waived" if waived else "")
    return f"cannot be registered yet: {count} {'thing stands' if count == 1 else 'things stand'} in the way"


def question(plan: Plan) -> Sheet:
    """What is asked, of whom, and by whom."""
    return pairs("Question", asked(plan))


def asked(plan: Plan) -> Iterator[tuple[str, str]]:
    """One thing after another."""
    how = plan.delivery
    yield "changes", plan.hypothesis.change
    yield "because", plan.hypothesis.because
    yield "expected", expectation(plan)
    yield "unit", plan.unit
    yield "who", how.audience or "everyone"
    yield (
        "coverage",
        "all of them" if how.coverage is None else f"{how.coverage * 100:.4g} %",
    )
    if how.flag is not None:
        yield "flag", how.flag
    if how.layer is not None:
        yield "layer", how.layer
    if plan.trigger is not None:
        yield "from when", f"{plan.trigger.source} where {plan.trigger.where or 'anything happens'}"
    yield "owner", plan.owner or "nobody is named"
    yield "reviewers", ", ".join(plan.reviewers) or "nobody is named"
    yield "sign-offs", ", ".join(plan.signoffs) or "nobody is named"
    for number, text in enumerate(plan.assumptions, 1):
        yield f"assumption {number}", text


def variants(found: Preview) -> Sheet:
    """Who gets what, and how many."""
    plan, ahead = found.plan, found.forecast
    whole = sum(variant.weight for variant in plan.variants)
    needed = {} if ahead is None else {split.variant: split.units for split in ahead.by_variant}
    end = None if ahead is None else ahead.planned

    def one(key: str, weight: int) -> tuple[str, ...]:
        served = plan.delivery.serves.get(key)
        return (
            key,
            "-" if served is None else str(served),
            f"{weight / whole * 100:.4g} %",
            f"{needed[key]:,}" if key in needed else "-",
            "-" if end is None else f"{end * weight // whole:,}",
        )

    heads = ("Variant", "Serves", "Part", "Units needed", "Units at the planned end")
    return sheet("Variants", heads, (one(variant.key, variant.weight) for variant in plan.variants))


def size(found: Preview) -> tuple[tuple[str, ...], tuple[Sheet, ...]]:
    """How many units and days, in sentences, and the tables behind them."""
    if found.forecast is None:
        return ("too little is known to say how many units and days it takes",), (
            variants(found),
            bare(found),
        )
    return tuple(size_of(found.forecast, ONE_LINE)), (variants(found), *(numbers(found.forecast)))


def bare(found: Preview) -> Sheet:
    """The metrics, where nothing is known of them."""
    return sheet(
        "Metrics",
        ("Metric", "Role", "Kind", "Better"),
        ((one.key, one.role.value, one.metric.kind, one.metric.better.value) for one in found.plan.metrics),
    )


def numbers(ahead: Forecast) -> Iterator[Sheet]:
    """What each metric needs and sees, and what each guardrail costs."""
    heads = ("Metric", "Role", "Baseline", "To show", "Alpha", "Power", "Units", "Detects at the planned end")
    yield sheet("Metrics", heads, (row(need) for need in ahead.needs))
    if ahead.costs:
        yield sheet(
            "What each proved guardrail costs",
            ("Guardrail", "Units alone", "Plan without it", "Times more units"),
            (
                (
                    cost.metric,
                    "-" if cost.units_alone is None else f"{cost.units_alone:,}",
                    "-" if cost.units_without is None else f"{cost.units_without:,}",
                    "-" if cost.factor is None else f"x {cost.factor:.2f}",
                )
                for cost in ahead.costs
            ),
        )


def ways(ahead: Forecast) -> Sheet:
    """What looking costs, by method."""
    heads = ("Method (* chosen)", "Plans", "Units", "Days", "Ends at, effect", "Ends at, none")
    return sheet("What looking costs", heads, (priced(price) for price in ahead.prices))


def points(ahead: Forecast) -> Sheet:
    """The curve in numbers."""
    share = ahead.needs[0].share
    rows = (pointed(point, share=share) for point in ahead.curve)
    heads = ("Units", "Days", "Power", "Detects")
    return sheet("Power by size", heads, ((one[0], one[1], one[2], one[4]) for one in rows))


def calendar(found: Preview) -> Sheet:
    """The looks, with dates."""
    ahead = found.forecast
    rows = looking(found.plan, found.start, None if ahead is None else ahead.planned or ahead.units)
    heads = ("Look", "After", "On", "Matured", "Units")
    return sheet(f"Looks, if the first unit is exposed on {found.start}", heads, iter(rows))


def baselines(found: Preview) -> Sheet:
    """Where the baselines come from, and how old they are."""
    return pairs("Baselines", origin(found))


def origin(found: Preview) -> Iterator[tuple[str, str]]:
    """One thing after another."""
    known = found.plan.baselines
    if known is None:
        yield "known", "nothing; measure history with `splitrun baseline`"
        return
    yield "known of", ", ".join(known.metrics) or "no metric"
    blank = [metric.key for metric in found.plan.metrics if metric.key not in known.metrics]
    if blank:
        yield "unknown", ", ".join(blank)
    per_day = known.units_per_day
    yield "eligible units each day", "nobody knows" if per_day is None else f"{per_day:,.5g}"
    yield "measured", known.measured or "nobody wrote where or when"
    if found.age is not None:
        yield "age", f"{found.age:,} days since that history ended"
    if found.file is not None:
        yield "file", found.file
    frame = represented(found.plan)
    if frame is not None:
        yield "frame", frame_says(frame)


def framed(found: Preview) -> tuple[Sheet, ...]:
    """Whom the sample stands for; nothing where no frame was measured."""
    frame = represented(found.plan)
    return () if frame is None else (frame_sheet(frame),)


def kept(found: Preview) -> Sheet:
    """The rules that it does not keep, and what it waives."""
    return sheet("Rules that are not kept", ("Rule", "What", "Waived because"), broken(found))


def broken(found: Preview) -> Iterator[tuple[str, ...]]:
    """The project's rules first, then what else the plan waives."""
    named = {rule.name for rule in found.rules}
    yield from ((rule.name, rule.says, rule.waiver or "not waived") for rule in found.rules)
    for rule, reason in found.plan.waivers.items():
        if rule.value not in named:
            yield rule.value, "waived in the plan", reason


def state(found: Standing) -> Sheet:
    """What the registry holds."""
    return pairs("Registry", stated(found))


def stated(found: Standing) -> Iterator[tuple[str, str]]:
    """One thing after another."""
    yield "registry", found.registry
    if found.unread is not None:
        yield "unread", found.unread
    if not found.applied and found.unread is None:
        yield "definitions", "the experiment was never applied; run `splitrun apply`"
    elif found.differs:
        fields = ", ".join(one.field for one in found.differs)
        yield "definitions", f"the files differ from the registry in {fields}; run `splitrun apply`"
    elif found.applied and found.unread is None:
        yield "definitions", "the same as in the files"
    for environment, where in found.states:
        yield f"state in {environment}", where
    if found.seal is None:
        yield "sealed plan", "none"
        return
    seal = found.seal
    amended = f", amendment {seal.amendment}" if seal.amendment else ""
    yield (
        "sealed plan",
        f"{seal.digest} (version {seal.version}{amended}), by {seal.actor} on {seal.at:%Y-%m-%d}",
    )
    if seal.deviations:
        yield "differs from it in", ", ".join(one.field for one in seal.deviations)
