"""How a logged exposure stands to the ruleset that it names, told while its unit's id is at hand.

The classes are those of `audit-assignment`. What needs other rows, like another id of the unit, is not
told here: such an exposure is `tampering` until the audit explains it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import WHOLE, Experiment, Ruleset, Run, Serve
from splitrun.assign.slots import listed, slot
from splitrun.assign.sound import zone
from splitrun.errors import RulesetError
from splitrun.sdk.event import Exposure
from splitrun.terms.closures import compiled
from splitrun.terms.tree import Tree, columns

__all__ = ["OK", "UNKNOWN_RULESET", "Judge", "Rulesets"]

OK = "ok"
UNKNOWN_RULESET = "unknown ruleset"
NEWEST = 8
"""Rulesets that an exposure is held against, besides its own, before it is called wrong."""

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
        walk = Walk(held, one.unit.id, one.attributes)
        gate = walk.gate(one.experiment)
        due = walk.variant(experiment) == one.variant
        if due and gate == "" and one.version == experiment.version:
            return "not recomputable" if walk.unknown else OK
        if any(other.agrees(one) for other in self.others(one.ruleset)):
            return "stale ruleset"
        if walk.overridden(experiment, one.variant):
            return "override"
        if one.detail == "sticky" and gate not in {"in a holdout", "outside the layer"}:
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
        found = self.answer(one.flag, one.unit.id, one.attributes)
        return (
            found.variant == one.variant
            and found.experiment == one.experiment
            and found.version == one.version
            and found.error is None
        )


class Walk:
    """Asks what an experiment asks of a unit, as far as the exposure's attributes tell."""

    def __init__(self, held: Held, unit: str, attributes: Values) -> None:
        self.held, self.ruleset, self.unit, self.attributes = held, held.ruleset, unit, attributes
        self.unknown = False
        """Whether something was asked that the attributes do not tell."""

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
        for name in experiment.holdouts:
            if self.below(self.ruleset.holdouts[name].salt, self.ruleset.holdouts[name].below):
                return "in a holdout"
        if experiment.layer is not None:
            at = slot(self.ruleset.layers[experiment.layer].salt, self.unit)
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
                    taken = self.taken(rule)
                    self.unknown |= taken is None
                    if taken:
                        return "earlier rule"
        return ""

    def served(self, key: str) -> str | None:
        """The variant of another flag that the unit is served; none where that cannot be told."""
        flag = self.ruleset.flags[key]
        if any(name not in self.attributes for name in asked(self.ruleset, key)):
            return None
        return self.held.answer(key, self.unit, self.attributes).serve or flag.default

    def taken(self, rule: Run | Serve) -> bool | None:
        """Whether a rule takes the unit; none where that cannot be told."""
        match rule:
            case Run(experiment=run):
                other = self.ruleset.experiments[run]
                told = other.audience is None or self.holds(other.audience) is not None
                return self.own(other) == "" if told else None
            case Serve(when=when, coverage=coverage, salt=salt):
                held = True if when is None else self.holds(when)
                return held if not held or coverage == WHOLE else self.below(salt, coverage)

    def holds(self, condition: Tree) -> bool | None:
        """Whether a condition holds; none where the exposure does not carry what it asks."""
        if any(name not in self.attributes for name in columns(condition)):
            return None
        return compiled(condition, zone=self.held.zone)(self.attributes) is True

    def below(self, salt: str, end: int) -> bool:
        """Whether the unit's slot of a salt is below an end."""
        return slot(salt, self.unit) < end

    def overridden(self, experiment: Experiment, variant: str) -> bool:
        """Whether the unit is on a list that is served this variant."""
        if experiment.flag is None:
            return False
        serves = {arm.serve for arm in experiment.arms if arm.variant == variant}
        lists = self.ruleset.lists
        return any(
            listed(lists[one.list].salt, self.unit) in lists[one.list].hashes
            for one in self.ruleset.flags[experiment.flag].overrides
            if one.serve in serves
        )


def asked(ruleset: Ruleset, key: str) -> set[str]:
    """Name the attributes that a flag asks, and those that it requires ask."""
    found: set[str] = set()
    waiting, seen = [key], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        flag = ruleset.flags[name]
        waiting += [required.flag for required in flag.requires]
        for rule in flag.rules:
            found |= asked_by(ruleset, rule)
    return found


def asked_by(ruleset: Ruleset, rule: Run | Serve) -> set[str]:
    """Name the attributes that a rule asks."""
    match rule:
        case Run(experiment=run):
            audience = ruleset.experiments[run].audience
            return set() if audience is None else set(columns(audience))
        case Serve(when=when):
            return set() if when is None else set(columns(when))
