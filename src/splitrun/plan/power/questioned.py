"""A quick question as a setting: one metric, no file."""

from __future__ import annotations

from datetime import timedelta

from splitrun.errors import Mistake, SpecError
from splitrun.infer.looks.spending import Shape, Spending
from splitrun.plan.power.known import level
from splitrun.plan.power.rates import GUARDRAIL
from splitrun.plan.power.setting import Aim, Asked, Flow, Rule, Setting
from splitrun.spec import analysis
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Method
from splitrun.spec.model import Direction, Role
from splitrun.spec.plan import PlannedVariant
from splitrun.spec.power.question import Question

__all__ = ["SHAPES", "questioned", "reachable"]

ALPHA = 0.05
LOOKS = 5
"""Of a group-sequential plan where nobody chose."""

SHAPES = {
    analysis.Spending.OBRIEN_FLEMING: Shape.OBRIEN_FLEMING,
    analysis.Spending.POCOCK: Shape.POCOCK,
    analysis.Spending.POWER: Shape.POWER,
    analysis.Spending.HSD: Shape.HSD,
}


def questioned(question: Question) -> Setting:
    """Put a question as a setting.

    Raises:
        SpecError: The numbers do not fit together.
    """
    spending = question.spending or analysis.Spending.OBRIEN_FLEMING
    return Setting(
        key="question",
        variants=variants(question.weights),
        asked=(asked(question),),
        rule=Rule(
            method=question.method,
            power=question.power,
            spending=Spending(SHAPES[spending], question.spending_parameter),
            futility=question.futility,
        ),
        flow=Flow(
            eligible=question.units_per_day,
            coverage=question.coverage,
            enrol=question.enrol,
            whole_weeks=question.whole_weeks,
            observation=question.window or timedelta(0),
            units=question.units,
        ),
        further=question.guardrails,
    )


def variants(weights: tuple[int, ...]) -> tuple[PlannedVariant, ...]:
    """Control, then the treatments."""
    names = ("control", "treatment") if len(weights) == 2 else ("control", *numbered(len(weights) - 1))
    return tuple(PlannedVariant(key=name, weight=weight) for name, weight in zip(names, weights, strict=True))


def numbered(treatments: int) -> tuple[str, ...]:
    """Names of so many treatments."""
    return tuple(f"treatment-{count}" for count in range(1, treatments + 1))


def asked(question: Question) -> Asked:
    """What is asked of the metric; alpha is shared over treatments and primaries, a margin's is not."""
    proving = question.margin is not None
    one_sided = proving or question.one_sided
    whole = question.alpha if question.alpha is not None else (GUARDRAIL if proving else ALPHA)
    comparisons = 1 if proving else (len(question.weights) - 1) * question.primaries
    found = Asked(
        metric="metric",
        role=Role.GUARDRAIL if proving else Role.PRIMARY,
        aim=Aim.MARGIN if proving else Aim.EFFECT,
        level=level(question.baseline, adjusting=True, clustered=True),
        size=question.margin if proving else question.mei,
        higher=question.better is Direction.HIGHER,
        alpha=whole / comparisons,
        sides=1 if one_sided else 2,
        shares=looks(question),
        must=question.mei is not None or proving,
    )
    wrong = None if found.size is None else reachable(found, found.size, "margin" if proving else "mei")
    if wrong is not None:
        raise SpecError([wrong])
    return found


def looks(question: Question) -> tuple[float, ...]:
    """Part of the units that is there at each look."""
    if question.method is not Method.GROUP_SEQUENTIAL:
        return (1.0,)
    number = question.looks or LOOKS
    return tuple((count + 1) / number for count in range(number))


def reachable(asked: Asked, size: Size, path: str) -> Mistake | None:
    """What is wrong with an effect that the metric cannot have; None where it can."""
    level = asked.level
    if size.relative and level.value == 0:
        says = f"{size.written} of a baseline of 0 is nothing"
        name = "margin" if asked.aim is Aim.MARGIN else "mei"
        return Mistake(says, f"write `{name}` as a plain number, in the metric's own unit", path)
    if asked.aim is Aim.MARGIN or not level.yes:
        return None
    moved = size.value * (level.value if size.relative else 1.0) * (1 if asked.higher else -1)
    end = level.value + moved
    if 0 < end < 1:
        return None
    way = "above" if asked.higher else "below"
    room = (1 - level.value) if asked.higher else level.value
    written = size.written if size.relative else f"{size.value * 100:g}pp"
    says = f"a share of {level.value * 100:g}% moved by {written} would be {end * 100:g}%"
    return Mistake(
        says, f"ask for less than {room * 100:g}pp {way} the baseline; `better` says which way", path
    )
