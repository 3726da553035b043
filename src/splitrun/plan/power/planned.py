"""An experiment's plan as a setting, with what is known of its metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from splitrun.errors import Mistake, SpecError
from splitrun.infer.looks.spending import Spending
from splitrun.plan.power.known import level
from splitrun.plan.power.progress import planned_shares, rising
from splitrun.plan.power.questioned import SHAPES, reachable
from splitrun.plan.power.rates import error_rates
from splitrun.plan.power.setting import Advice, Aim, Asked, Flow, Rule, Setting
from splitrun.spec.analysis import Method, Mode
from splitrun.spec.model import Direction
from splitrun.spec.plan import Plan, PlannedMetric
from splitrun.spec.power.baselines import Baseline, Baselines, MeanBaseline, RatioBaseline, ShareBaseline
from splitrun.spec.written.fields import suggested

__all__ = ["planned"]

SHARES = frozenset({"share", "retention"})
FAR = 0.2
"""How far the units that come may lie from `planned_units` without a word, as a part of them."""


def planned(plan: Plan, baselines: Baselines) -> Setting:
    """Put a plan as a setting.

    Raises:
        SpecError: Baselines are missing, of another kind than their metrics, or of no metric of the plan.
    """
    mistakes = list(wrong(plan, baselines))
    if mistakes:
        raise SpecError(mistakes)
    every = tuple(
        asked(plan, metric, baselines.metrics[metric.key])
        for metric in plan.metrics
        if metric.key in baselines.metrics
    )
    mistakes = [mistake for each in every for mistake in unreachable(each)]
    if mistakes:
        raise SpecError(mistakes)
    rules, flow = plan.analysis, flow_of(plan, baselines)
    return Setting(
        key=plan.key,
        variants=plan.variants,
        asked=sorted_by_need(every),
        rule=Rule(
            method=rules.method,
            power=rules.power,
            spending=Spending(SHAPES[rules.spending], rules.spending_parameter),
            futility=rules.futility,
        ),
        flow=flow,
        advice=tuple(noticed(plan, baselines, flow)),
        tuned=rules.planned_units,
    )


def sorted_by_need(every: tuple[Asked, ...]) -> tuple[Asked, ...]:
    """What has a minimum effect comes first: the curve and the prices are its."""
    return tuple(sorted(every, key=lambda each: not (each.must and each.aim is Aim.EFFECT)))


def wrong(plan: Plan, baselines: Baselines) -> Iterator[Mistake]:
    """What keeps baselines from belonging to a plan."""
    metrics = {metric.key: metric for metric in plan.metrics}
    for key, baseline in baselines.metrics.items():
        path = f"metrics.{key}"
        if key not in metrics:
            yield Mistake(f"{plan.key!r} has no metric {key!r}", suggested(key, metrics), path)
        else:
            yield from unlike(metrics[key], baseline, path)
    for metric in plan.metrics:
        if needed(metric) and metric.key not in baselines.metrics:
            says = f"there is no baseline of {metric.key!r}, on which the size of {plan.key!r} rests"
            yield Mistake(says, f"write {form(metric)} under `metrics`", f"metrics.{metric.key}")


def needed(metric: PlannedMetric) -> bool:
    """Whether the plan's size rests on a metric."""
    proved = metric.guardrail is not None and metric.guardrail.mode is Mode.PROVE
    return metric.mei is not None or proved


def form(metric: PlannedMetric) -> str:
    """How a metric's baseline is written."""
    if metric.metric.kind in SHARES:
        return f"`{metric.key}: {{share: 12%}}`"
    if metric.metric.kind == "ratio":
        return f"`{metric.key}: {{over: {{mean: 8, sd: 20}}, under: {{mean: 2, sd: 3}}, correlation: 0.5}}`"
    return f"`{metric.key}: {{mean: 8, sd: 20}}`"


def unlike(metric: PlannedMetric, baseline: Baseline, path: str) -> Iterator[Mistake]:
    """A baseline of another kind; a ratio may also be given by the variance of one unit's part."""
    kind = metric.metric.kind
    if not fits(kind, baseline):
        says = f"the baseline is not that of a {kind}, which {metric.key!r} is"
        yield Mistake(says, f"write {form(metric)}", path)


def fits(kind: str, baseline: Baseline) -> bool:
    """Whether a baseline says what a kind of metric needs."""
    match baseline:
        case ShareBaseline():
            return kind in SHARES
        case RatioBaseline():
            return kind == "ratio"
        case MeanBaseline():
            return kind not in SHARES


def asked(plan: Plan, metric: PlannedMetric, baseline: Baseline) -> Asked:
    """What is asked of a metric in its role."""
    guard = metric.guardrail
    higher = metric.metric.better is Direction.HIGHER
    expected = plan.hypothesis.expect
    if guard is None and expected.metric == metric.key:
        higher = expected.direction is Direction.HIGHER
    return Asked(
        metric=metric.key,
        role=metric.role,
        aim=Aim.EFFECT if guard is None else Aim.MARGIN,
        level=level(baseline, adjusting=plan.analysis.adjust is not None, clustered=clustered(plan)),
        size=metric.mei if guard is None else guard.margin,
        higher=higher,
        alpha=error_rates(plan)[metric.key],
        sides=2 if guard is None else 1,
        shares=rising(planned_shares(plan, metric)) if plan.analysis.looks else (1.0,),
        must=needed(metric),
    )


def unreachable(found: Asked) -> Iterator[Mistake]:
    """An effect that the metric cannot have."""
    if found.size is not None:
        mistake = reachable(found, found.size, f"metrics.{found.metric}")
        if mistake is not None:
            yield mistake


def clustered(plan: Plan) -> bool:
    """Whether clusters and not units are independent."""
    return plan.exposures is not None and plan.exposures.cluster is not None


def flow_of(plan: Plan, baselines: Baselines) -> Flow:
    """How units come."""
    duration = plan.duration
    return Flow(
        eligible=baselines.units_per_day,
        coverage=1.0 if plan.delivery.coverage is None else plan.delivery.coverage,
        enrol=None if duration is None else duration.enrol,
        whole_weeks=duration is None or duration.whole_weeks,
        observation=plan.observation,
        units=plan.analysis.planned_units,
    )


def noticed(plan: Plan, baselines: Baselines, flow: Flow) -> Iterator[Advice]:
    """What stands in the plan or the baselines and does not go together."""
    if not plan.weights_known:
        yield Advice(
            "weights_unknown",
            "units are randomised elsewhere in unknown shares; the weights written are taken",
            "write the weights that are used there",
        )
    yield from size_noticed(plan, flow)
    yield from unused(plan, baselines.metrics)


def size_noticed(plan: Plan, flow: Flow) -> Iterator[Advice]:
    """Another number of units than what comes."""
    sealed, comes = plan.analysis.planned_units, flow.planned
    if plan.analysis.method is Method.FIXED or sealed is None or comes is None:
        return
    if abs(comes - sealed) > FAR * sealed:
        yield Advice(
            "planned_units",
            f"planned_units is {sealed:,}, and {comes:,.0f} units come until enrolment ends",
            f"write planned_units: {round(comes)}, by which looks and intervals are tuned",
        )


def unused(plan: Plan, metrics: Mapping[str, Baseline]) -> Iterator[Advice]:
    """What is known and not used, and what is used and not known."""
    adjusting, alike = plan.analysis.adjust is not None, clustered(plan)
    explained = {key: each.r2 for key, each in metrics.items() if each.r2}
    if explained and not adjusting:
        key, r2 = max(explained.items(), key=lambda pair: pair[1])
        yield Advice(
            "not_adjusted",
            f"covariates explain {r2:.0%} of the variance of {key}, and the plan does not adjust",
            f"write analysis: {{adjust: {{covariates: [pre_period]}}}}, which takes {r2:.0%} off its units",
        )
    if adjusting and not explained:
        yield Advice(
            "r2_unknown",
            "the plan adjusts, and no baseline says how much that explains; nothing is taken off",
            "write `r2` into the baselines",
        )
    blind = [key for key, each in metrics.items() if alike and each.clusters is None]
    if blind:
        yield Advice(
            "clusters_unknown",
            f"clusters are randomised, and nothing is known of how alike their units are: {', '.join(blind)}",
            "write `clusters: {size: 20, icc: 0.05}` into the baselines; without it far too few are planned",
        )
