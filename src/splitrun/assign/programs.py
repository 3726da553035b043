"""Flags compiled to closures: a question is asked of the unit only where the ruleset asks it.

A program takes the id in bytes, the attributes and the sticky store, and gives an evaluation that was made
beforehand. What the flag does not have (no override, no layer, everybody covered) costs nothing.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from datetime import tzinfo

from splitrun.assign.evaluation import Detail, ErrorCode, Evaluation, Reason
from splitrun.assign.halves import Attributes, Door, Halves, Program, door
from splitrun.assign.outcomes import Outcomes, of_flag
from splitrun.assign.ruleset import WHOLE, Arm, Experiment, Flag, IdList, Ruleset, Run, Serve
from splitrun.assign.slots import edge, id_bytes, sha256
from splitrun.assign.sticky import Sticky
from splitrun.errors import DataError, RulesetError
from splitrun.terms.closures import conditions
from splitrun.terms.patterns import Patterns
from splitrun.terms.quick import all_of
from splitrun.terms.tree import Tree

__all__ = ["Attributes", "IdError", "Program", "Programs", "Rule", "Test", "read_id"]

Rule = Callable[[bytes, Attributes, Sticky | None], Evaluation | None]
"""None, or a declined evaluation (its reason is DEFAULT), where the rule does not take the unit."""
Test = Callable[[bytes, Attributes], bool]
Holds = Callable[[Attributes], bool]
Hashed = Callable[[bytes, Attributes], bytes]


PARTS = 50_000
"""Rules, overrides, prerequisites, holdouts and variants, each counted as often as it is compiled."""


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

    Raises:
        RulesetError: A regular expression cannot be used, or there is more than PARTS to compile.
    """

    def __init__(self, ruleset: Ruleset, zone: tzinfo, *, keeps: bool = False) -> None:
        self.ruleset = ruleset
        self.zone = zone
        self.keeps = keeps
        self.patterns = Patterns()
        self._spent = 0
        self._conditions: dict[int, list[Holds]] = {}
        self._flags: dict[tuple[str, str], Program] = {}
        self._halves: dict[Program, Halves] = {}
        self._lists = {
            name: frozenset(map(bytes.fromhex, listed.hashes)) for name, listed in ruleset.lists.items()
        }

    def flag(self, key: str, given: str) -> Program:
        """Compile a flag for ids of the type `given`."""
        known = self._flags.get((key, given))
        if known is None:
            known = self._flags[key, given] = self._flag(key, given)
        return known

    def door(self, key: str) -> Door:
        """Compile a flag for ids of its own type, as they are given and where nothing is kept."""
        program = self.flag(key, self.ruleset.flags[key].unit)
        halves = self._halves.get(program)
        return door(program) if halves is None else halves.door()

    def opted(self, key: str, given: str) -> Program:
        """Compile what of a flag is asked before an opt-out."""
        flag, outcomes = self.ruleset.flags[key], of_flag(self.ruleset, key)
        if not flag.on or flag.archived:
            return self.flag(key, given)
        out = outcomes.declined(Detail.OPTED_OUT)
        return self._overridden(flag, outcomes, given, lambda _data, _attributes, _sticky: out)

    def _spend(self, parts: int) -> None:
        self._spent += parts
        if self._spent > PARTS:
            raise RulesetError(f"the ruleset has more than {PARTS:,} rules and parts of rules; publish fewer")

    def _holds(self, tree: Tree) -> list[Holds]:
        """Compile a condition to tests that must all hold, once, however many programs ask it."""
        known = self._conditions.get(id(tree))
        if known is None:
            known = conditions(tree, zone=self.zone, patterns=self.patterns)
            self._conditions[id(tree)] = known
        return known

    def _flag(self, key: str, given: str) -> Program:
        flag, outcomes = self.ruleset.flags[key], of_flag(self.ruleset, key)
        self._spend(1 + len(flag.rules) + len(flag.overrides) + len(flag.requires))
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
        """Put the lists in front."""
        lists = [
            (
                self._on_list(override.list, flag.unit, given),
                outcomes.served(override.serve, Reason.TARGETING_MATCH, Detail.OVERRIDE),
            )
            for override in flag.overrides
        ]
        return _override(lists, then) if lists else then

    def _on_list(self, name: str, unit: str, given: str) -> Test:
        listed: IdList = self.ruleset.lists[name]
        hashed, hashes = self._hashed(listed.salt, unit, given), self._lists[name]
        return lambda data, attributes: hashed(data, attributes)[:16] in hashes

    def _required(self, flag: Flag, outcomes: Outcomes, given: str, then: Program) -> Program:
        flags = [(self.flag(required.flag, given), required.variants) for required in flag.requires]
        return _requirement(flags, outcomes.declined(Detail.PREREQUISITE), then) if flags else then

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
            holds = all_of(self._holds(rule.when))
            tests.append(lambda _data, attributes: holds(attributes))
        if rule.coverage < WHOLE:
            tests.append(self._below(rule.salt, rule.coverage, flag.unit, given))
        return lambda data, attributes, _sticky: (
            served if all(test(data, attributes) for test in tests) else None
        )

    def experiment(self, key: str, outcomes: Outcomes, given: str) -> Program:
        """Compile an experiment: holdout, layer, kept variant, audience, coverage, variant."""
        experiment = self.ruleset.experiments[key]
        self._spend(len(experiment.holdouts) + len(experiment.arms) + len(experiment.slots))
        program = self._enrolled(key, experiment, outcomes, given)
        if experiment.layer is not None:
            test = self._in_slots(experiment, experiment.layer, given)
            program = _gated(test, outcomes.declined(Detail.LAYER), program)
        holdouts = [self.ruleset.holdouts[name] for name in experiment.holdouts]
        held = [self._below(holdout.salt, holdout.below, holdout.unit, given) for holdout in holdouts]
        return _held_out(held, outcomes.declined(Detail.HOLDOUT), program) if held else program

    def _enrolled(self, key: str, experiment: Experiment, outcomes: Outcomes, given: str) -> Program:
        quick = self._quick(key, experiment, outcomes, given)
        program = self._split(key, experiment, outcomes, given) if quick is None else quick
        if experiment.coverage < WHOLE:
            test = self._below(experiment.coverage_salt, experiment.coverage, experiment.unit, given)
            program = _gated(test, outcomes.declined(Detail.COVERAGE), program)
        if experiment.audience is not None and quick is None:
            program = _targeted(
                all_of(self._holds(experiment.audience)), outcomes.declined(Detail.AUDIENCE), program
            )
        if not self.keeps or experiment.coverage == 0:
            return program
        kept = {arm.variant: outcomes.arm(key, experiment, arm, Detail.STICKY) for arm in experiment.arms}
        return _kept((key, experiment.version), kept, self._id(experiment.unit, given), program)

    def _quick(self, key: str, experiment: Experiment, outcomes: Outcomes, given: str) -> Program | None:
        """Compile two halves of all units behind at most three conditions, the commonest, to one closure."""
        tests = [] if experiment.audience is None else self._holds(experiment.audience)
        halved = len(experiment.arms) == 2 and experiment.unit == given and experiment.coverage == WHOLE
        if not halved or len(tests) > 3:
            return None
        first, second = (outcomes.arm(key, experiment, arm, Detail.VARIANT) for arm in experiment.arms)
        halves = Halves(
            f"{experiment.salt}:".encode(),
            edge(experiment.arms[0].below),
            first,
            second,
            outcomes.declined(Detail.AUDIENCE),
            tuple(tests),
        )
        program = halves.program()
        self._halves[program] = halves
        return program

    def _split(self, key: str, experiment: Experiment, outcomes: Outcomes, given: str) -> Program:
        served = [outcomes.arm(key, experiment, arm, Detail.VARIANT) for arm in experiment.arms]
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
        empty = type(found) is str and not found
        code = ErrorCode.TARGETING_KEY_MISSING if empty else ErrorCode.INVALID_CONTEXT
        raise IdError(code, f"attribute {name!r}: {fault}") from fault


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


def _override(lists: list[tuple[Test, Evaluation]], then: Program) -> Program:
    def program(data: bytes, attributes: Attributes, sticky: Sticky | None) -> Evaluation:
        for on_list, served in lists:
            if on_list(data, attributes):
                return served
        return then(data, attributes, sticky)

    return program


def _requirement(flags: list[tuple[Program, tuple[str, ...]]], unmet: Evaluation, then: Program) -> Program:
    def program(data: bytes, attributes: Attributes, sticky: Sticky | None) -> Evaluation:
        for flag, variants in flags:
            if flag(data, attributes, sticky).serve not in variants:
                return unmet
        return then(data, attributes, sticky)

    return program


def _gated(test: Test, declined: Evaluation, then: Program) -> Program:
    return lambda data, attributes, sticky: (
        then(data, attributes, sticky) if test(data, attributes) else declined
    )


def _held_out(held: list[Test], declined: Evaluation, then: Program) -> Program:
    def program(data: bytes, attributes: Attributes, sticky: Sticky | None) -> Evaluation:
        for test in held:
            if test(data, attributes):
                return declined
        return then(data, attributes, sticky)

    return program


def _targeted(holds: Callable[[Attributes], bool], declined: Evaluation, then: Program) -> Program:
    return lambda data, attributes, sticky: then(data, attributes, sticky) if holds(attributes) else declined


def _kept(about: tuple[str, int], kept: dict[str, Evaluation], own: Hashed, then: Program) -> Program:
    """Look for a kept variant where the caller keeps them, and keep what is found by splitting."""
    experiment, version = about

    def program(data: bytes, attributes: Attributes, sticky: Sticky | None) -> Evaluation:
        unit = own(data, attributes).decode()
        stays = kept.get(sticky.variant(experiment, version, unit) or "") if sticky else None
        if stays is not None:
            return stays
        found = then(data, attributes, sticky)
        if sticky and found.variant is not None and found.experiment is not None:
            sticky.keep(experiment, version, unit, found.variant)
        return found

    return program


def _edges(arms: tuple[Arm, ...]) -> list[bytes]:
    return [edge(arm.below) for arm in arms[:-1]]


def _parted(hashed: Hashed, edges: list[bytes], served: list[Evaluation]) -> Program:
    return lambda data, attributes, _sticky: served[bisect(edges, hashed(data, attributes))]
