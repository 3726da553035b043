"""Whether a ruleset holds together: every name known, no circle, thresholds in order, nothing too large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from importlib import import_module
from itertools import pairwise

from splitrun.assign.ruleset import WHOLE, Experiment, Flag, IdList, Layer, Ruleset, Run, Serve, Type
from splitrun.errors import RulesetError
from splitrun.terms.closures import measured

__all__ = ["sound", "zone"]

NODES = 50_000
"""Nodes of all expressions of a ruleset."""

FLAGS = 5_000
"""Flags of a ruleset; each costs some microseconds to be read, whatever little it says."""

RULES = 1_000
"""Rules and overrides of one flag."""

CHAIN = 20
"""Flags in a row, each the prerequisite of the one before."""

ASKED = 100
"""Flags that evaluating one flag may ask, one asked twice counted twice."""

DIGITS = frozenset("0123456789abcdef")

TYPES: dict[Type, tuple[type, ...]] = {
    Type.BOOLEAN: (bool,),
    Type.STRING: (str,),
    Type.NUMBER: (int, float),
    Type.OBJECT: (dict, list),
}


def zone(name: str) -> tzinfo:
    """Find a time zone by its IANA name.

    Raises:
        RulesetError: There is none of this name.
    """
    if name == "UTC":
        return UTC
    try:
        found: tzinfo = import_module("zoneinfo").ZoneInfo(name)
    except (KeyError, ValueError, OSError) as fault:
        raise RulesetError(f"no time zone is called {name[:60]!r}; write a name of IANA's") from fault
    return found


def sound(ruleset: Ruleset) -> Ruleset:
    """Give the ruleset back if it holds together.

    Raises:
        RulesetError: The first thing that does not.
    """
    if not ruleset.units:
        raise RulesetError("the ruleset names no unit type; publish it with `units`")
    if len(ruleset.flags) > FLAGS:
        raise RulesetError(
            f"the ruleset has {len(ruleset.flags):,} flags and may have {FLAGS:,}; publish fewer"
        )
    nodes = 0
    for key, experiment in ruleset.experiments.items():
        _experiment(ruleset, f"experiment {key!r}", experiment)
        nodes += measured(experiment.audience) if experiment.audience is not None else 0
    for key, flag in ruleset.flags.items():
        _flag(ruleset, f"flag {key!r}", flag)
        for rule in flag.rules:
            _rule(ruleset, key, flag, rule)
        whens = (rule.when for rule in flag.rules if isinstance(rule, Serve))
        nodes += sum(measured(when) for when in whens if when is not None)
    if nodes > NODES:
        raise RulesetError(
            f"the expressions of the ruleset have {nodes:,} parts and may have {NODES:,}; "
            "turn long lists of ids into lists, and share audiences"
        )
    for key, layer in ruleset.layers.items():
        _layer(ruleset, key, layer)
    for key, holdout in ruleset.holdouts.items():
        _known("unit type", holdout.unit, ruleset.units, f"holdout {key!r}")
        _slots(f"holdout {key!r}", (holdout.below,))
    for key, listed in ruleset.lists.items():
        _list(key, listed)
    _chains(ruleset)
    return ruleset


def _known(what: str, name: str, names: Mapping[str, object], where: str) -> None:
    if name not in names:
        raise RulesetError(
            f"{where} names the {what} {name[:128]!r}, which the ruleset has not; publish it whole"
        )


def _slots(where: str, thresholds: Sequence[int]) -> None:
    """Thresholds lie in [0, 2**32] and never fall."""
    for before, after in pairwise((0, *thresholds, WHOLE)):
        if after < before:
            raise RulesetError(
                f"{where} has the threshold {after} after {before}; thresholds rise from 0 to {WHOLE}"
            )


def _flag(ruleset: Ruleset, where: str, flag: Flag) -> None:
    _known("unit type", flag.unit, ruleset.units, where)
    _known("variant", flag.default, flag.variants, where)
    for name, value in flag.variants.items():
        fits = type(value) in TYPES[flag.type]
        if not fits:
            raise RulesetError(
                f"{where} serves a {type(value).__name__} as {name[:128]!r} and is of type {flag.type}; "
                "give a value of its type"
            )
    if len(flag.rules) + len(flag.overrides) > RULES:
        raise RulesetError(f"{where} has more than {RULES:,} rules; turn rules for ids into lists")
    runs = [rule.experiment for rule in flag.rules if isinstance(rule, Run)]
    if len(runs) > len(set(runs)):
        raise RulesetError(f"{where} asks an experiment twice; leave the second rule out")
    for override in flag.overrides:
        _known("variant", override.serve, flag.variants, where)
        _known("list", override.list, ruleset.lists, where)
    for required in flag.requires:
        _known("flag", required.flag, ruleset.flags, where)
        for variant in required.variants:
            _known("variant", variant, ruleset.flags[required.flag].variants, where)


def _rule(ruleset: Ruleset, on: str, flag: Flag, rule: Run | Serve) -> None:
    where = f"flag {on!r}"
    match rule:
        case Run(experiment=key):
            _known("experiment", key, ruleset.experiments, where)
            if ruleset.experiments[key].flag != on:
                raise RulesetError(
                    f"{where} asks the experiment {key!r}, which is not on it; publish it whole"
                )
            for arm in ruleset.experiments[key].arms:
                _known("variant", arm.serve, flag.variants, f"experiment {key!r} on {where}")
        case Serve(serve=variant, coverage=coverage, salt=salt):
            _known("variant", variant, flag.variants, where)
            _slots(where, (coverage,))
            _salted(where, salt, needed=coverage < WHOLE)


def _salted(where: str, salt: str, *, needed: bool) -> None:
    if needed and not salt:
        raise RulesetError(f"{where} covers a share of units and has no salt; publish it with one")


def _experiment(ruleset: Ruleset, where: str, experiment: Experiment) -> None:
    _known("unit type", experiment.unit, ruleset.units, where)
    if not experiment.arms or experiment.arms[-1].below != WHOLE:
        raise RulesetError(f"{where} leaves slots to no variant; its last variant must end at {WHOLE}")
    _slots(where, [arm.below for arm in experiment.arms])
    _slots(where, (experiment.coverage,))
    _salted(where, experiment.salt, needed=True)
    _salted(where, experiment.coverage_salt, needed=experiment.coverage < WHOLE)
    _slots(where, [end for ends in experiment.slots for end in ends])
    if experiment.flag is not None:
        _known("flag", experiment.flag, ruleset.flags, where)
    if experiment.layer is not None:
        _known("layer", experiment.layer, ruleset.layers, where)
    for name in experiment.holdouts:
        _known("holdout", name, ruleset.holdouts, where)


def _layer(ruleset: Ruleset, key: str, layer: Layer) -> None:
    """Experiments of a layer know of it, and no slot is of two of them."""
    where = f"layer {key!r}"
    _known("unit type", layer.unit, ruleset.units, where)
    taken: list[tuple[int, int, str]] = []
    for name in layer.experiments:
        _known("experiment", name, ruleset.experiments, where)
        experiment = ruleset.experiments[name]
        if experiment.layer != key:
            raise RulesetError(f"{where} names the experiment {name!r}, which is not in it; publish it whole")
        taken += [(start, end, name) for start, end in experiment.slots if start < end]
    for (_, end, one), (start, _, other) in pairwise(sorted(taken)):
        if start < end:
            raise RulesetError(
                f"{where} gives slot {start} to {one!r} and to {other!r}; give it to one of them"
            )


def _list(key: str, listed: IdList) -> None:
    for digits in listed.hashes:
        if len(digits) != 32 or not DIGITS.issuperset(digits):
            raise RulesetError(f"list {key!r} has {digits[:40]!r}, which is not 32 hexadecimal digits")


def _chains(ruleset: Ruleset) -> None:
    """Prerequisites make no circle, no long chain, and ask few flags; found without recursion."""
    waiting = {key: {required.flag for required in flag.requires} for key, flag in ruleset.flags.items()}
    asked = dict.fromkeys(ruleset.flags, 1)
    for _ in range(CHAIN):
        ready = [key for key, needs in waiting.items() if not needs]
        for key in ready:
            del waiting[key]
            asked[key] += sum(asked[required.flag] for required in ruleset.flags[key].requires)
            if asked[key] > ASKED:
                raise RulesetError(f"flag {key!r} asks more than {ASKED:,} flags; require fewer")
        for needs in waiting.values():
            needs.difference_update(ready)
    if waiting:
        raise RulesetError(
            f"the prerequisites of flag {min(waiting)!r} go in a circle or over more than {CHAIN} flags; "
            "break the chain"
        )
