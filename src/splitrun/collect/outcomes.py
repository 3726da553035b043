"""How a logged exposure stands to the ruleset that it names, told while its unit's id is at hand.

The classes are those of `audit-assignment`. What needs other rows, like another id of the unit, is not
told here: such an exposure is `tampering` until the audit explains it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import WHOLE, Experiment, Flag, Override, Ruleset, Run, Serve
from splitrun.assign.slots import listed, slot
from splitrun.assign.sound import zone
from splitrun.errors import RulesetError
from splitrun.sdk.event import Exposure
from splitrun.terms.closures import compiled
from splitrun.terms.tree import Tree, columns

__all__ = ["OK", "UNKNOWN_RULESET", "Held", "Judge", "Rulesets", "asked", "kinds"]

OK = "ok"
UNKNOWN_RULESET = "unknown ruleset"
NEWEST = 8
"""Rulesets that an exposure is held against, besides its own, before it is called wrong."""

APART = frozenset({"flag is off", "on a list", "earlier rule", "in a holdout", "outside the layer"})
"""What a kept variant never overrules."""

Rulesets = Callable[[int], Ruleset | None]
"""Gives the ruleset of a version; none where it is not at hand."""

Values = Mapping[str, object]


class Judge:
    """Holds exposures of one project and environment against rulesets. Rulesets are read once.

    Args:
        rulesets: Where they come from.
    """

    def __init__(self, rulesets: Rulesets) -> None:
        self.rulesets = rulesets
        self.known: dict[int, Held] = {}

    def held(self, version: int) -> Held | None:
        """Give a ruleset, ready; one that is not at hand is asked for again the next time."""
        found = self.known.get(version)
        if found is None:
            ruleset = self.rulesets(version)
            if ruleset is None:
                return None
            try:
                found = self.known[version] = Held(ruleset)
            except RulesetError:
                return None
        return found

    def outcome(self, one: Exposure) -> str:
        """Tell how an exposure stands: `ok`, or why not."""
        held = self.known.get(one.ruleset) or self.held(one.ruleset)
        if held is None:
            return UNKNOWN_RULESET
        if held.agrees(one):
            return OK
        return self.explained(one, held)

    def explained(self, one: Exposure, held: Held) -> str:
        """Tell why an exposure is not what its ruleset gives; the first that fits."""
        experiment = held.ruleset.experiments.get(one.experiment)
        if experiment is None:
            return "unknown version"
        if one.variant not in {arm.variant for arm in experiment.arms}:
            return "unknown variant"
        walk = Walk(held, experiment.unit, one.unit.id, one.attributes)
        gate = walk.gate(one.experiment)
        due = walk.variant(experiment) == one.variant
        if due and gate == "" and one.version == experiment.version:
            return "not recomputable" if walk.unknown else OK
        if any(other.agrees(one) for other in self.others(one.ruleset)):
            return "stale ruleset"
        if walk.overridden(experiment, one.variant):
            return "override"
        if one.detail == "sticky" and gate not in APART:
            return "sticky"
        if one.version != experiment.version:
            return "unknown version"
        return gate if due and gate else "tampering"

    def others(self, version: int) -> list[Held]:
        """Give the newest rulesets that were read so far, but one."""
        newest = sorted(self.known, reverse=True)[:NEWEST]
        return [self.known[other] for other in newest if other != version]


class Held:
    """A ruleset, ready to be asked."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.evaluator = Evaluator(ruleset)
        self.ruleset = ruleset
        self.zone = zone(ruleset.timezone)
        self.answer = self.evaluator.answer

    def agrees(self, one: Exposure) -> bool:
        """Whether the whole evaluation gives what the exposure says."""
        flag = self.ruleset.flags.get(one.flag)
        if flag is not None and flag.unit != one.unit.type:
            # the flag was asked with another id, which the exposure does not carry
            return False
        found = self.answer(one.flag, one.unit.id, one.attributes)
        return (
            found.variant == one.variant
            and found.experiment == one.experiment
            and found.version == one.version
            and found.error is None
        )


class Walk:
    """Asks what an experiment asks of a unit, as far as its exposure tells.

    Args:
        held: The ruleset.
        kind: The unit type that the experiment deals.
        unit: Id of the unit.
        attributes: Those that the exposure carries.
    """

    def __init__(self, held: Held, kind: str, unit: str, attributes: Values) -> None:
        self.held, self.ruleset, self.attributes = held, held.ruleset, attributes
        self.kind, self.unit = kind, unit
        self.unknown = False
        """Whether something was asked that the exposure does not tell."""

    def variant(self, experiment: Experiment) -> str:
        """The variant that the unit's slot is of."""
        ends = [arm.below for arm in experiment.arms]
        return experiment.arms[bisect_right(ends, slot(experiment.salt, self.unit))].variant

    def gate(self, key: str) -> str:
        """Where the unit is turned away first, by the flag or by the experiment; empty: nowhere."""
        flag = self.ruleset.experiments[key].flag
        return ("" if flag is None else self.before(flag, key)) or self.own(self.ruleset.experiments[key])

    def own(self, experiment: Experiment) -> str:
        """Where the experiment itself turns the unit away."""
        for holdout in map(self.ruleset.holdouts.__getitem__, experiment.holdouts):
            if self.deals(holdout.unit) and self.below(holdout.salt, holdout.below):
                return "in a holdout"
        layer = None if experiment.layer is None else self.ruleset.layers[experiment.layer]
        if layer is not None and self.deals(layer.unit):
            at = slot(layer.salt, self.unit)
            if not any(start <= at < end for start, end in experiment.slots):
                return "outside the layer"
        if experiment.audience is not None and self.holds(experiment.audience) is False:
            return "outside the audience"
        if experiment.coverage < WHOLE and not self.below(experiment.coverage_salt, experiment.coverage):
            return "outside coverage"
        return ""

    def before(self, key: str, experiment: str) -> str:
        """Where the flag turns the unit away before the experiment is asked."""
        flag = self.ruleset.flags[key]
        if flag.archived or not flag.on or Run(experiment) not in flag.rules:
            return "flag is off"
        if flag.overrides and self.deals(flag.unit) and any(map(self.on_list, flag.overrides)):
            return "on a list"
        for required in flag.requires:
            found = self.served(required.flag)
            self.unknown |= found is None
            if found is not None and found not in required.variants:
                return "prerequisite not met"
        for rule in flag.rules:
            match rule:
                case Run(experiment=run) if run == experiment:
                    return ""
                case _:
                    taken = self.taken(rule, flag.unit)
                    self.unknown |= taken is None
                    if taken:
                        return "earlier rule"
        return ""

    def served(self, key: str) -> str | None:
        """The variant of another flag that the unit is served; none where that cannot be told."""
        flag = self.ruleset.flags[key]
        told = all(name in self.attributes for name in asked(self.ruleset, key))
        if not told or kinds(self.ruleset, key) != {self.kind}:
            return None
        return self.held.answer(key, self.unit, self.attributes).serve or flag.default

    def taken(self, rule: Run | Serve, unit: str) -> bool | None:
        """Whether a rule of a flag takes the unit; none where that cannot be told.

        Args:
            rule: The rule.
            unit: The flag's unit type.
        """
        match rule:
            case Run(experiment=run):
                other = self.ruleset.experiments[run]
                told = other.audience is None or self.holds(other.audience) is not None
                same = kinds_of(self.ruleset, other) == {self.kind}
                return self.own(other) == "" if told and same else None
            case Serve(when=when, coverage=coverage, salt=salt):
                held = True if when is None else self.holds(when)
                if not held or coverage == WHOLE:
                    return held
                return self.below(salt, coverage) if unit == self.kind else None

    def holds(self, condition: Tree) -> bool | None:
        """Whether a condition holds; none where the exposure does not carry what it asks."""
        if any(name not in self.attributes for name in columns(condition)):
            return None
        return compiled(condition, zone=self.held.zone)(self.attributes) is True

    def below(self, salt: str, end: int) -> bool:
        """Whether the unit's slot of a salt is below an end."""
        return slot(salt, self.unit) < end

    def deals(self, kind: str) -> bool:
        """Whether the unit's id is of a type; what asks for another is not known."""
        self.unknown |= kind != self.kind
        return kind == self.kind

    def on_list(self, override: Override) -> bool:
        """Whether the unit is on the list of an override."""
        found = self.ruleset.lists[override.list]
        return listed(found.salt, self.unit) in found.hashes

    def overridden(self, experiment: Experiment, variant: str) -> bool:
        """Whether the unit is on a list that is served this variant."""
        flag = None if experiment.flag is None else self.ruleset.flags[experiment.flag]
        if flag is None or flag.unit != experiment.unit:
            return False
        serves = {arm.serve for arm in experiment.arms if arm.variant == variant}
        return any(self.on_list(one) for one in flag.overrides if one.serve in serves)


def reachable(ruleset: Ruleset, key: str) -> dict[str, Flag]:
    """Give a flag and every flag that it requires, by key."""
    found: dict[str, Flag] = {}
    waiting = [key]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = ruleset.flags[name]
            waiting += [required.flag for required in found[name].requires]
    return found


def asked(ruleset: Ruleset, key: str) -> set[str]:
    """Name the attributes that a flag asks, and those that it requires ask."""
    rules = [rule for flag in reachable(ruleset, key).values() for rule in flag.rules]
    return {name for rule in rules for name in asked_by(ruleset, rule)}


def kinds(ruleset: Ruleset, key: str) -> set[str]:
    """Name the unit types of a flag, of those that it requires, and of what their experiments ask."""
    found: set[str] = set()
    for flag in reachable(ruleset, key).values():
        found.add(flag.unit)
        for rule in flag.rules:
            match rule:
                case Run(experiment=run):
                    found |= kinds_of(ruleset, ruleset.experiments[run])
                case Serve():
                    pass
    return found


def kinds_of(ruleset: Ruleset, experiment: Experiment) -> set[str]:
    """Name the unit types of an experiment, its holdouts and its layer."""
    found = {experiment.unit, *(ruleset.holdouts[name].unit for name in experiment.holdouts)}
    return found if experiment.layer is None else found | {ruleset.layers[experiment.layer].unit}


def asked_by(ruleset: Ruleset, rule: Run | Serve) -> set[str]:
    """Name the attributes that a rule asks."""
    match rule:
        case Run(experiment=run):
            audience = ruleset.experiments[run].audience
            return set() if audience is None else set(columns(audience))
        case Serve(when=when):
            return set() if when is None else set(columns(when))
