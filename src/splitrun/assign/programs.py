"""Flags compiled to closures: a question is asked of the unit only where the ruleset asks it.

A program takes the id in bytes, the attributes and the sticky store, and gives an evaluation that was made
beforehand. What the flag does not have (no override, no layer, everybody covered) costs nothing.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping
from datetime import tzinfo

from splitrun.assign.evaluation import Detail, ErrorCode, Evaluation, Reason
from splitrun.assign.outcomes import Outcomes, of_flag
from splitrun.assign.ruleset import WHOLE, Arm, Experiment, Flag, IdList, Ruleset, Run, Serve
from splitrun.assign.slots import edge, id_bytes, sha256
from splitrun.assign.sticky import Sticky
from splitrun.errors import DataError
from splitrun.terms.closures import condition
from splitrun.terms.patterns import Patterns

__all__ = ["Attributes", "IdError", "Program", "Programs", "Rule", "Test", "read_id"]

Attributes = Mapping[str, object]
Program = Callable[[bytes, Attributes, Sticky | None], Evaluation]
Rule = Callable[[bytes, Attributes, Sticky | None], Evaluation | None]
"""None, or a declined evaluation (its reason is DEFAULT), where the rule does not take the unit."""
Test = Callable[[bytes, Attributes], bool]
Hashed = Callable[[bytes, Attributes], bytes]


class IdError(Exception):
    """The id of another unit type is missing from the attributes, or cannot be one."""

    def __init__(self, code: ErrorCode, says: str) -> None:
        self.code = code
        super().__init__(says)


class Programs:
    """Compiles the flags of a sound ruleset, each once for the unit type whose id is given.

    Args:
        ruleset: A sound one.
        zone: Where moments with a zone are read.
        keeps: Whether programs look for kept variants; those that do not are cheaper.
    """

    def __init__(self, ruleset: Ruleset, zone: tzinfo, *, keeps: bool = False) -> None:
        self.ruleset = ruleset
        self.zone = zone
        self.keeps = keeps
        self.patterns = Patterns()
        self._flags: dict[tuple[str, str], Program] = {}
        self._lists = {
            name: frozenset(map(bytes.fromhex, listed.hashes)) for name, listed in ruleset.lists.items()
        }

    def flag(self, key: str, given: str) -> Program:
        """Compile a flag for ids of the type `given`."""
        known = self._flags.get((key, given))
        if known is None:
            known = self._flags[key, given] = self._flag(key, given)
        return known

    def opted(self, key: str, given: str) -> Program:
        """Compile what of a flag is asked before an opt-out."""
        flag, outcomes = self.ruleset.flags[key], of_flag(self.ruleset, key)
        if not flag.on or flag.archived:
            return self.flag(key, given)
        out = outcomes.declined(Detail.OPTED_OUT)
        return self._overridden(flag, outcomes, given, lambda _data, _attributes, _sticky: out)

    def _flag(self, key: str, given: str) -> Program:
        flag, outcomes = self.ruleset.flags[key], of_flag(self.ruleset, key)
        if not flag.on or flag.archived:
            closed = Detail.ARCHIVED if flag.archived else Detail.OFF
            disabled = outcomes.declined(closed, Reason.DISABLED)
            return lambda _data, _attributes, _sticky: disabled
        required = self._required(flag, outcomes, given, self._ruled(flag, outcomes, given))
        return self._overridden(flag, outcomes, given, required)

    def _ruled(self, flag: Flag, outcomes: Outcomes, given: str) -> Program:
        match flag.rules:
            case (Run(experiment=key),):
                return self.experiment(key, outcomes, given)
            case rules:
                default = outcomes.declined(Detail.DEFAULT, Reason.DEFAULT if rules else Reason.STATIC)
                return _ordered([self._rule(rule, flag, outcomes, given) for rule in rules], default)

    def _overridden(self, flag: Flag, outcomes: Outcomes, given: str, then: Program) -> Program:
        """Put the lists in front, the last of them innermost."""
        for override in reversed(flag.overrides):
            served = outcomes.served(override.serve, Reason.TARGETING_MATCH, Detail.OVERRIDE)
            then = _override(self._on_list(override.list, flag.unit, given), served, then)
        return then

    def _on_list(self, name: str, unit: str, given: str) -> Test:
        listed: IdList = self.ruleset.lists[name]
        hashed, hashes = self._hashed(listed.salt, unit, given), self._lists[name]
        return lambda data, attributes: hashed(data, attributes)[:16] in hashes

    def _required(self, flag: Flag, outcomes: Outcomes, given: str, then: Program) -> Program:
        unmet = outcomes.declined(Detail.PREREQUISITE)
        for required in reversed(flag.requires):
            then = _requirement(self.flag(required.flag, given), required.variants, unmet, then)
        return then

    def _rule(self, rule: Run | Serve, flag: Flag, outcomes: Outcomes, given: str) -> Rule:
        match rule:
            case Run(experiment=key):
                return self.experiment(key, outcomes, given)
            case Serve():
                return self._serve(rule, flag, outcomes, given)

    def _serve(self, rule: Serve, flag: Flag, outcomes: Outcomes, given: str) -> Rule:
        reason = Reason.STATIC if rule.when is None else Reason.TARGETING_MATCH
        reason = Reason.SPLIT if rule.coverage < WHOLE else reason
        served = outcomes.served(rule.serve, reason, Detail.RULE)
        tests: list[Test] = []
        if rule.when is not None:
            holds = condition(rule.when, zone=self.zone, patterns=self.patterns)
            tests.append(lambda _data, attributes: holds(attributes))
        if rule.coverage < WHOLE:
            tests.append(self._below(rule.salt, rule.coverage, flag.unit, given))
        return lambda data, attributes, _sticky: (
            served if all(test(data, attributes) for test in tests) else None
        )

    def experiment(self, key: str, outcomes: Outcomes, given: str) -> Program:
        """Compile an experiment: holdout, layer, kept variant, audience, coverage, variant."""
        experiment = self.ruleset.experiments[key]
        program = self._enrolled(key, experiment, outcomes, given)
        if experiment.layer is not None:
            test = self._in_slots(experiment, experiment.layer, given)
            program = _gated(test, outcomes.declined(Detail.LAYER), program)
        for name in reversed(experiment.holdouts):
            holdout = self.ruleset.holdouts[name]
            held = self._below(holdout.salt, holdout.below, holdout.unit, given)
            program = _held_out(held, outcomes.declined(Detail.HOLDOUT), program)
        return program

    def _enrolled(self, key: str, experiment: Experiment, outcomes: Outcomes, given: str) -> Program:
        program = self._split(key, experiment, outcomes, given)
        if experiment.coverage < WHOLE:
            test = self._below(experiment.coverage_salt, experiment.coverage, experiment.unit, given)
            program = _gated(test, outcomes.declined(Detail.COVERAGE), program)
        if experiment.audience is not None:
            holds = condition(experiment.audience, zone=self.zone, patterns=self.patterns)
            program = _targeted(holds, outcomes.declined(Detail.AUDIENCE), program)
        if not self.keeps or experiment.coverage == 0:
            return program
        kept = {arm.variant: outcomes.arm(key, experiment, arm, Detail.STICKY) for arm in experiment.arms}
        return _kept((key, experiment.version), kept, self._id(experiment.unit, given), program)

    def _split(self, key: str, experiment: Experiment, outcomes: Outcomes, given: str) -> Program:
        served = [outcomes.arm(key, experiment, arm, Detail.VARIANT) for arm in experiment.arms]
        prefix = f"{experiment.salt}:".encode()
        if experiment.unit == given and len(served) == 2:
            return _halves(prefix, edge(experiment.arms[0].below), (served[0], served[1]))
        return _parted(self._hashed(experiment.salt, experiment.unit, given), _edges(experiment.arms), served)

    def _in_slots(self, experiment: Experiment, name: str, given: str) -> Test:
        layer = self.ruleset.layers[name]
        hashed = self._hashed(layer.salt, layer.unit, given)
        ranges = [(edge(start), edge(end)) for start, end in experiment.slots]

        def inside(data: bytes, attributes: Attributes) -> bool:
            digest = hashed(data, attributes)
            return any(start <= digest < end for start, end in ranges)

        return inside

    def _below(self, salt: str, below: int, unit: str, given: str) -> Test:
        hashed, end = self._hashed(salt, unit, given), edge(below)
        return lambda data, attributes: hashed(data, attributes) < end

    def _hashed(self, salt: str, unit: str, given: str) -> Hashed:
        prefix = f"{salt}:".encode()
        if unit == given:
            return lambda data, _attributes: sha256(prefix + data).digest()
        other = self._id(unit, given)
        return lambda data, attributes: sha256(prefix + other(data, attributes)).digest()

    def _id(self, unit: str, given: str) -> Hashed:
        """Read the id of a unit type: the one given, or that in the attribute named for the type."""
        if unit == given:
            return lambda data, _attributes: data
        name = self.ruleset.units[unit]
        return lambda _data, attributes: read_id(attributes.get(name), unit, name)


def read_id(found: object, unit: str, name: str) -> bytes:
    """Take the id of another unit type from the attribute named for it: a text, or a whole number.

    Raises:
        IdError: It is missing, or cannot be an id.
    """
    if found is None:
        raise IdError(
            ErrorCode.TARGETING_KEY_MISSING,
            f"the attribute {name!r}, which holds the id of the {unit}, is missing; give it with the unit",
        )
    try:
        # bool is an int and no id; a longer number would not be turned into digits in bounded time
        return id_bytes(str(found) if type(found) is int and abs(found) < WHOLE**4 else found)
    except DataError as fault:
        raise IdError(ErrorCode.INVALID_CONTEXT, f"attribute {name!r}: {fault}") from fault


def _ordered(rules: list[Rule], default: Evaluation) -> Program:
    """Ask rules in order; what none takes gets the default, as the last experiment declined it."""
    match rules:
        case []:
            return lambda _data, _attributes, _sticky: default
        case [only]:
            return lambda data, attributes, sticky: only(data, attributes, sticky) or default
        case _:
            return _in_order(rules, default)


def _in_order(rules: list[Rule], default: Evaluation) -> Program:
    def in_order(data: bytes, attributes: Attributes, sticky: Sticky | None) -> Evaluation:
        answer = default
        for rule in rules:
            found = rule(data, attributes, sticky)
            if found is not None:
                if found.reason is not Reason.DEFAULT:
                    return found
                answer = found
        return answer

    return in_order


def _override(test: Test, served: Evaluation, then: Program) -> Program:
    return lambda data, attributes, sticky: (
        served if test(data, attributes) else then(data, attributes, sticky)
    )


def _requirement(flag: Program, variants: tuple[str, ...], unmet: Evaluation, then: Program) -> Program:
    return lambda data, attributes, sticky: (
        then(data, attributes, sticky) if flag(data, attributes, sticky).serve in variants else unmet
    )


def _gated(test: Test, declined: Evaluation, then: Program) -> Program:
    return lambda data, attributes, sticky: (
        then(data, attributes, sticky) if test(data, attributes) else declined
    )


def _held_out(test: Test, declined: Evaluation, then: Program) -> Program:
    return lambda data, attributes, sticky: (
        declined if test(data, attributes) else then(data, attributes, sticky)
    )


def _targeted(holds: Callable[[Attributes], bool], declined: Evaluation, then: Program) -> Program:
    return lambda data, attributes, sticky: then(data, attributes, sticky) if holds(attributes) else declined


def _kept(about: tuple[str, int], kept: dict[str, Evaluation], own: Hashed, then: Program) -> Program:
    """Look for a kept variant where the caller keeps them, and keep what is found by splitting."""
    experiment, version = about

    def program(data: bytes, attributes: Attributes, sticky: Sticky | None) -> Evaluation:
        if sticky is None:  # a program that keeps is chosen where there is a store
            return then(data, attributes, sticky)
        unit = own(data, attributes).decode()
        stays = kept.get(sticky.variant(experiment, version, unit) or "")
        if stays is not None:
            return stays
        found = then(data, attributes, sticky)
        if found.variant is not None and found.experiment is not None:
            sticky.keep(experiment, version, unit, found.variant)
        return found

    return program


def _halves(prefix: bytes, end: bytes, served: tuple[Evaluation, Evaluation]) -> Program:
    """Split between two variants by the id that is given, the commonest of all."""
    first, second = served
    return lambda data, _attributes, _sticky: first if sha256(prefix + data).digest() < end else second


def _edges(arms: tuple[Arm, ...]) -> list[bytes]:
    return [edge(arm.below) for arm in arms[:-1]]


def _parted(hashed: Hashed, edges: list[bytes], served: list[Evaluation]) -> Program:
    return lambda data, attributes, _sticky: served[bisect(edges, hashed(data, attributes))]
