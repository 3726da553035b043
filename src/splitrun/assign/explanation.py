"""The path that led to an answer: every question in the order in which it was asked, and what was found.

It is walked anew, question by question, and not taken from the compiled programs; tests hold the two against
each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from msgspec import Struct

from splitrun.assign.evaluation import Detail, Evaluation
from splitrun.assign.faults import said
from splitrun.assign.programs import read_id
from splitrun.assign.ruleset import WHOLE, Experiment, Flag, Ruleset, Run, Serve
from splitrun.assign.slots import listed, slot
from splitrun.assign.sticky import Sticky
from splitrun.terms.closures import compiled
from splitrun.terms.tree import Tree, columns

__all__ = ["Explanation", "Step", "explained"]


class Step(Struct, frozen=True):
    """One question."""

    asks: str
    """What was asked, like `coverage of one-page-checkout`."""
    found: str
    """The answer in words."""
    taken: bool
    """Whether the way goes on here: the unit is enrolled, served, in the layer; if not, the rule is left."""
    values: Mapping[str, object] = {}
    """What it was decided by: slot and threshold, or attributes."""
    steps: tuple[Step, ...] = ()
    """Questions that were asked to answer it."""


class Explanation(Struct, frozen=True):
    """An evaluation and how it came about."""

    flag: str
    unit: str
    evaluation: Evaluation
    steps: tuple[Step, ...]
    serve: str | None
    """The flag's variant to which the steps lead; that of the evaluation unless there was an error."""
    detail: Detail
    """Where the steps end; that of the evaluation unless there was an error."""


class Ended(Struct, frozen=True):
    """Where a path ends."""

    serve: str
    detail: Detail
    steps: tuple[Step, ...]


class Asked(Struct, frozen=True):
    """What is asked about: the id given and of which type it is, attributes, opt-out, kept variants."""

    given: str
    unit: str
    attributes: Mapping[str, object]
    opted_out: bool = False
    sticky: Sticky | None = None


def explained(ruleset: Ruleset, zone: tzinfo, flag: str, asked: Asked, evaluation: Evaluation) -> Explanation:
    """Walk the path of one evaluation.

    Args:
        ruleset: A sound one.
        zone: Where moments with a zone are read.
        flag: Its key.
        asked: About whom.
        evaluation: What the evaluator answered.
    """
    if flag not in ruleset.flags:
        return Explanation(flag, asked.unit, evaluation, (), None, Detail.ERROR)
    if evaluation.error is not None:
        step = Step("the unit", evaluation.says, taken=False)
        return Explanation(flag, asked.unit, evaluation, (step,), evaluation.serve, Detail.ERROR)
    try:
        end = _Walk(ruleset, zone, asked).flag(flag)
    except Exception as fault:  # noqa: BLE001  # whatever the caller's mapping raises, the path ends there
        step = Step("the unit", evaluation.says or said(fault), taken=False)
        return Explanation(flag, asked.unit, evaluation, (step,), evaluation.serve, Detail.ERROR)
    return Explanation(flag, asked.unit, evaluation, end.steps, end.serve, end.detail)


class _Walk:
    """Asks the questions of architecture's order for one unit."""

    def __init__(self, ruleset: Ruleset, zone: tzinfo, asked: Asked) -> None:
        self.ruleset = ruleset
        self.zone = zone
        self.asked = asked

    def flag(self, key: str) -> Ended:
        flag = self.ruleset.flags[key]
        if flag.archived or not flag.on:
            closed = Detail.ARCHIVED if flag.archived else Detail.OFF
            step = Step(f"flag {key}", f"it is {closed}: everybody gets the default", taken=False)
            return Ended(flag.default, closed, (step,))
        steps: list[Step] = []
        for override in flag.overrides:
            step = self.on_list(override.list, flag.unit)
            steps.append(step)
            if step.taken:
                return Ended(override.serve, Detail.OVERRIDE, tuple(steps))
        if self.asked.opted_out:
            steps.append(Step("opt-out", "the unit takes no part in experiments", taken=True))
            return Ended(flag.default, Detail.OPTED_OUT, tuple(steps))
        for required in flag.requires:
            step = self.requirement(required.flag, required.variants)
            steps.append(step)
            if not step.taken:
                return Ended(flag.default, Detail.PREREQUISITE, tuple(steps))
        return self.rules(flag, steps)

    def rules(self, flag: Flag, steps: list[Step]) -> Ended:
        detail = Detail.DEFAULT
        for place, rule in enumerate(flag.rules, start=1):
            match rule:
                case Run(experiment=key):
                    ended = self.experiment(key)
                    taken = ended.serve != ""
                    found = f"variant {ended.serve!r}" if taken else f"not enrolled: {ended.detail}"
                    steps.append(Step(f"rule {place}: experiment {key}", found, taken, steps=ended.steps))
                    if taken:
                        return Ended(ended.serve, ended.detail, tuple(steps))
                    detail = ended.detail
                case Serve():
                    step = self.serve(place, rule, flag)
                    steps.append(step)
                    if step.taken:
                        return Ended(rule.serve, Detail.RULE, tuple(steps))
        steps.append(Step("default", f"no rule takes the unit: {flag.default!r}", taken=True))
        return Ended(flag.default, detail, tuple(steps))

    def serve(self, place: int, rule: Serve, flag: Flag) -> Step:
        steps: list[Step] = []
        if rule.when is not None:
            steps.append(self.condition("condition", rule.when))
        if rule.coverage < WHOLE and all(step.taken for step in steps):
            steps.append(self.below("coverage", rule.salt, flag.unit, rule.coverage))
        taken = all(step.taken for step in steps)
        found = f"serves {rule.serve!r}" if taken else "does not take the unit"
        return Step(f"rule {place}: serve {rule.serve}", found, taken, steps=tuple(steps))

    def experiment(self, key: str) -> Ended:
        """Walk an experiment; one that does not take the unit serves nothing."""
        experiment = self.ruleset.experiments[key]
        steps: list[Step] = []
        for name in experiment.holdouts:
            holdout = self.ruleset.holdouts[name]
            held = self.below(f"holdout {name}", holdout.salt, holdout.unit, holdout.below)
            found = "held out" if held.taken else "not held out"
            steps.append(Step(held.asks, f"{found}: {held.found}", not held.taken, held.values))
            if held.taken:
                return Ended("", Detail.HOLDOUT, tuple(steps))
        if experiment.layer is not None:
            steps.append(self.layer(experiment, experiment.layer))
            if not steps[-1].taken:
                return Ended("", Detail.LAYER, tuple(steps))
        return self.enrolled(key, experiment, steps)

    def enrolled(self, key: str, experiment: Experiment, steps: list[Step]) -> Ended:
        unit = self.id(experiment.unit)
        if self.asked.sticky is not None and experiment.coverage > 0:
            kept = self.asked.sticky.variant(key, experiment.version, unit)
            serves = {arm.variant: arm.serve for arm in experiment.arms}
            found = f"{kept!r} was kept" if kept in serves else "no variant was kept"
            steps.append(Step(f"kept variant of {key}", found, kept in serves))
            if kept in serves:
                return Ended(serves[kept or ""], Detail.STICKY, tuple(steps))
        if experiment.audience is not None:
            steps.append(self.condition(f"audience of {key}", experiment.audience))
            if not steps[-1].taken:
                return Ended("", Detail.AUDIENCE, tuple(steps))
        if experiment.coverage < WHOLE:
            salt = experiment.coverage_salt
            steps.append(self.below(f"coverage of {key}", salt, experiment.unit, experiment.coverage))
            if not steps[-1].taken:
                return Ended("", Detail.COVERAGE, tuple(steps))
        at = slot(experiment.salt, unit)
        arm = next(arm for arm in experiment.arms if at < arm.below)
        found = f"slot {at} is of variant {arm.variant!r}, which ends at {arm.below}"
        values = {"salt": experiment.salt, "slot": at, "below": arm.below}
        steps.append(Step(f"variant of {key}", found, taken=True, values=values))
        return Ended(arm.serve, Detail.VARIANT, tuple(steps))

    def layer(self, experiment: Experiment, name: str) -> Step:
        layer = self.ruleset.layers[name]
        at = slot(layer.salt, self.id(layer.unit))
        inside = any(start <= at < end for start, end in experiment.slots)
        ranges = ", ".join(f"[{start}, {end})" for start, end in experiment.slots) or "nothing"
        found = f"slot {at} is {'inside' if inside else 'outside'} {ranges}"
        return Step(f"layer {name}", found, inside, {"salt": layer.salt, "slot": at})

    def condition(self, asks: str, tree: Tree) -> Step:
        answer = compiled(tree, zone=self.zone)(self.asked.attributes)
        names = columns(tree)
        found = "true" if answer is True else "false" if answer is False else "null, which is not true"
        return Step(asks, found, answer is True, {name: self.asked.attributes.get(name) for name in names})

    def below(self, asks: str, salt: str, unit: str, below: int) -> Step:
        at = slot(salt, self.id(unit))
        found = f"slot {at} is {'below' if at < below else 'not below'} {below}"
        return Step(asks, found, at < below, {"salt": salt, "slot": at, "below": below})

    def on_list(self, name: str, unit: str) -> Step:
        known = self.ruleset.lists[name]
        on = listed(known.salt, self.id(unit)) in known.hashes
        return Step(f"list {name}", "the unit is on it" if on else "the unit is not on it", on)

    def requirement(self, key: str, variants: tuple[str, ...]) -> Step:
        ended = self.flag(key)
        met = ended.serve in variants
        found = f"it serves {ended.serve!r}, and {', '.join(map(repr, variants))} is required"
        return Step(f"flag {key}", found, met, steps=ended.steps)

    def id(self, unit: str) -> str:
        """Give the id of a unit type.

        Raises:
            IdError: It is not among the attributes.
        """
        if unit == self.asked.given:
            return self.asked.unit
        name = self.ruleset.units[unit]
        return read_id(self.asked.attributes.get(name), unit, name).decode()
