"""Where units are turned away, and what a flag asks before an experiment: prerequisites, earlier rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from splitrun.assign.ruleset import WHOLE, Experiment, Flag, Requirement, Ruleset, Run, Serve
from splitrun.measure.assignment import below, slot_hex
from splitrun.measure.sql import choice, column, text, tree
from splitrun.terms.rendering import Bound, rendered
from splitrun.terms.tree import Kind, Tree, columns

__all__ = [
    "INSIDE",
    "Asks",
    "before",
    "gate",
    "list_name",
    "on_list",
    "reachable",
    "unchecked",
    "unknown",
    "variant",
]

INSIDE = "inside"
Case = tuple[exp.Expr, exp.Expr]


@dataclass(frozen=True, slots=True)
class Asks:
    """Who is asked about, of which ruleset, and what is known of it."""

    ruleset: Ruleset
    unit: exp.Expr
    kinds: Mapping[str, Kind]
    """What the attributes that exposures carry hold."""

    def holds(self, condition: Tree) -> exp.Expr:
        """Write whether a condition holds; what is not known does not."""
        bound = {
            name: Bound(exp.paren(column(f"a_{name}", "e"), copy=False), kind)
            for name, kind in self.kinds.items()
        }
        return tree("COALESCE(:it, FALSE)", it=rendered(condition, bound))


def unchecked(experiment: Experiment, kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """Name the attributes of an audience that exposures do not carry; without them it is not recomputed."""
    asked = () if experiment.audience is None else columns(experiment.audience)
    return tuple(name for name in asked if name not in kinds)


def variant(experiment: Experiment, unit: exp.Expr) -> exp.Expr:
    """Write the variant that a unit's slot is of; null where there is no unit."""
    slot = slot_hex(experiment.salt, unit)
    arms = [(below(slot, arm.below), text(arm.variant)) for arm in experiment.arms]
    return choice(arms)


def gate(asks: Asks, experiment: Experiment, before: Sequence[Case] = ()) -> exp.Expr:
    """Write where a unit is turned away first, `before` the experiment or by it, or that it is inside."""
    ruleset, unit = asks.ruleset, asks.unit
    asked = list(before)
    for name in experiment.holdouts:
        holdout = ruleset.holdouts[name]
        if holdout.unit == experiment.unit:
            asked.append((below(slot_hex(holdout.salt, unit), holdout.below), text("holdout")))
    if experiment.layer is not None and ruleset.layers[experiment.layer].unit == experiment.unit:
        slot = slot_hex(ruleset.layers[experiment.layer].salt, unit)
        parts = [exp.and_(exp.not_(below(slot, start)), below(slot, end)) for start, end in experiment.slots]
        inside = exp.or_(*parts) if parts else exp.false()
        asked.append((exp.not_(inside), text("layer")))
    if experiment.audience is not None and not unchecked(experiment, asks.kinds):
        asked.append((exp.not_(asks.holds(experiment.audience)), text("audience")))
    if experiment.coverage < WHOLE:
        covered = below(slot_hex(experiment.coverage_salt, unit), experiment.coverage)
        asked.append((exp.not_(covered), text("coverage")))
    return choice(asked, text(INSIDE))


def list_name(ruleset: Ruleset, name: str) -> str:
    """Name a list of one ruleset among those of several."""
    return f"{ruleset.version}:{name}"


def on_list(asks: Asks, name: str) -> exp.Expr:
    """Write whether a unit is on a list."""
    slot = slot_hex(asks.ruleset.lists[name].salt, asks.unit)
    return tree(
        "EXISTS (SELECT 1 FROM overrides AS o WHERE o.list = :name AND o.hash = :hashed)",
        name=text(list_name(asks.ruleset, name)),
        hashed=tree("SUBSTR(:slot, 1, 32)", slot=slot),
    )


def reachable(ruleset: Ruleset, key: str | None) -> dict[str, Flag]:
    """Give a flag and every flag that it requires, by key; nothing for none."""
    found: dict[str, Flag] = {}
    waiting = [] if key is None else [key]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = ruleset.flags[name]
            waiting += [required.flag for required in found[name].requires]
    return found


def earlier(ruleset: Ruleset, key: str) -> Iterator[Serve | Run]:
    """Give the rules that an experiment's flag asks before it."""
    on = ruleset.experiments[key].flag
    for rule in () if on is None else ruleset.flags[on].rules:
        match rule:
            case Run(experiment=run) if run == key:
                return
            case _:
                yield rule


def closed(flag: Flag) -> bool:
    """Whether a flag serves everybody its default."""
    return flag.archived or not flag.on


def unknown(ruleset: Ruleset, key: str, kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """Say what keeps from being recomputed what is asked before an experiment; nothing where all can be."""
    experiment = ruleset.experiments[key]
    unit, on = experiment.unit, experiment.flag
    wrong: list[str] = []
    if on is not None:
        flag = ruleset.flags[on]
        if closed(flag) or Run(key) not in flag.rules:
            return ()
        if flag.overrides and flag.unit != unit:
            wrong.append(f"flag {on!r} asks its lists for units of type {flag.unit!r}")
        wrong += [says for one in flag.requires for says in untold(ruleset, one.flag, unit, kinds)]
        wrong += [
            says for rule in earlier(ruleset, key) for says in unanswered(ruleset, on, rule, unit, kinds)
        ]
    wrong += strange(ruleset, key)
    return tuple(dict.fromkeys(wrong))


def strange(ruleset: Ruleset, key: str) -> Iterator[str]:
    """Say which holdouts and which layer of an experiment ask for other ids than it deals."""
    experiment = ruleset.experiments[key]
    for name in experiment.holdouts:
        other = ruleset.holdouts[name].unit
        if other != experiment.unit:
            yield f"experiment {key!r} asks holdout {name!r}, which keeps units of type {other!r}"
    if experiment.layer is not None:
        other = ruleset.layers[experiment.layer].unit
        if other != experiment.unit:
            yield f"experiment {key!r} asks layer {experiment.layer!r}, which divides units of type {other!r}"


def untold(ruleset: Ruleset, key: str, unit: str, kinds: Mapping[str, Kind]) -> Iterator[str]:
    """Say what keeps the variant of a flag from being recomputed."""
    for name, flag in reachable(ruleset, key).items():
        if flag.unit != unit:
            yield f"flag {name!r} is asked with units of type {flag.unit!r}"
        if not closed(flag):
            for rule in flag.rules:
                yield from unanswered(ruleset, name, rule, unit, kinds)


def unanswered(
    ruleset: Ruleset, flag: str, rule: Serve | Run, unit: str, kinds: Mapping[str, Kind]
) -> Iterator[str]:
    """Say what a rule asks that exposures do not carry."""
    match rule:
        case Serve(when=when, coverage=coverage):
            deals = ruleset.flags[flag].unit
            if coverage < WHOLE and deals != unit:
                yield f"flag {flag!r} covers a share of units of type {deals!r}"
            asked = () if when is None else columns(when)
            yield from (
                f"exposures do not carry {name!r}, which flag {flag!r} asks"
                for name in asked
                if name not in kinds
            )
        case Run(experiment=run):
            other = ruleset.experiments[run]
            if other.unit != unit:
                yield f"flag {flag!r} asks experiment {run!r}, which deals units of type {other.unit!r}"
            yield from strange(ruleset, run)
            for name in unchecked(other, kinds):
                yield f"exposures do not carry {name!r}, which experiment {run!r} asks"


def before(asks: Asks, key: str) -> list[Case]:
    """Write what turns units away before an experiment is asked, as far as that is known."""
    ruleset, kinds = asks.ruleset, asks.kinds
    unit, on = ruleset.experiments[key].unit, ruleset.experiments[key].flag
    if on is None:
        return []
    flag = ruleset.flags[on]
    if closed(flag) or Run(key) not in flag.rules:
        return [(exp.true(), text("off"))]
    own = [(on_list(asks, one.list), text("list")) for one in flag.overrides if flag.unit == unit]
    missed = [
        (unmet(asks, one), text("prerequisite"))
        for one in flag.requires
        if not any(untold(ruleset, one.flag, unit, kinds))
    ]
    gone = [
        (taken(asks, rule), text("rule"))
        for rule in earlier(ruleset, key)
        if not any(unanswered(ruleset, on, rule, unit, kinds))
    ]
    return [*own, *missed, *gone]


def unmet(asks: Asks, one: Requirement) -> exp.Expr:
    """Write whether another flag serves none of the variants that are required."""
    if not one.variants:
        return exp.true()
    return exp.not_(
        exp.In(this=served(asks, one.flag), expressions=[text(variant) for variant in one.variants])
    )


def taken(asks: Asks, rule: Serve | Run) -> exp.Expr:
    """Write whether a rule takes a unit."""
    match rule:
        case Serve(when=when, coverage=coverage, salt=salt):
            held = exp.true() if when is None else asks.holds(when)
            return held if coverage == WHOLE else exp.and_(held, below(slot_hex(salt, asks.unit), coverage))
        case Run(experiment=run):
            return tree(":g = :inside", g=gate(asks, asks.ruleset.experiments[run]), inside=text(INSIDE))


def served(asks: Asks, key: str) -> exp.Expr:
    """Write the variant of a flag that a unit is served; the order is that of every evaluation."""
    flag = asks.ruleset.flags[key]
    if closed(flag):
        return text(flag.default)
    cases = [(on_list(asks, one.list), text(one.serve)) for one in flag.overrides]
    cases += [(unmet(asks, one), text(flag.default)) for one in flag.requires]
    for rule in flag.rules:
        match rule:
            case Serve(serve=serves):
                cases.append((taken(asks, rule), text(serves)))
            case Run(experiment=run):
                experiment = asks.ruleset.experiments[run]
                slot = slot_hex(experiment.salt, asks.unit)
                arms = [(below(slot, arm.below), text(arm.serve)) for arm in experiment.arms]
                cases.append((taken(asks, rule), choice(arms)))
    return choice(cases, text(flag.default)) if cases else text(flag.default)
