"""Logged exposures held against what rulesets give: recomputed in SQL, and told apart by why they differ.

Recomputed are whether the flag is on, its lists, prerequisites and the rules that stand before the
experiment, holdouts, layer, audience, coverage and variant. Where exposures do not carry what prerequisites
and rules ask, or something asks for ids of another unit type, they are not recomputable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlglot import exp

from splitrun.assign.ruleset import Experiment, Override, Ruleset
from splitrun.measure.auditing.gates import (
    INSIDE,
    Asks,
    before,
    gate,
    list_name,
    on_list,
    reachable,
    unchecked,
    unknown,
    variant,
)
from splitrun.measure.sql import Work, choice, column, every, relation, select, text, tree, whole
from splitrun.terms.tree import Kind

__all__ = [
    "ALIASES",
    "EXPLAINED",
    "EXPOSURES",
    "OVERRIDES",
    "Agreement",
    "Audit",
    "Example",
    "audited",
    "listed",
    "unchecked",
    "unknown",
]

EXPOSURES, ALIASES, OVERRIDES = "exposures", "aliases", "overrides"
"""Names of what must be loaded.

`exposures`: row, unit, variant, version, phase, ruleset, detail, and every attribute under `a_NAME`.
`aliases`: unit, other, each pair both ways. `overrides`: list, hash, as of `listed`.
"""

EXAMPLES = 3


class Agreement(StrEnum):
    """How an exposure stands to the rulesets; the first that fits, in this order."""

    NO_UNIT = "no unit"
    UNKNOWN_VARIANT = "unknown variant"
    NOT_RECOMPUTABLE = "not recomputable"
    OK = "ok"
    STALE_RULESET = "stale ruleset"
    OVERRIDE = "override"
    STICKY = "sticky"
    IDENTITY = "identity"
    UNKNOWN_VERSION = "unknown version"
    OFF = "flag is off"
    LISTED = "on a list"
    PREREQUISITE = "prerequisite not met"
    RULE = "earlier rule"
    HOLDOUT = "in a holdout"
    LAYER = "outside the layer"
    AUDIENCE = "outside the audience"
    COVERAGE = "outside coverage"
    TAMPERING = "tampering"


EXPLAINED = frozenset(
    {
        Agreement.NOT_RECOMPUTABLE,
        Agreement.OK,
        Agreement.STALE_RULESET,
        Agreement.OVERRIDE,
        Agreement.STICKY,
        Agreement.IDENTITY,
    }
)
"""Nothing is wrong with these, as far as can be told."""

GATES = {
    "off": Agreement.OFF,
    "list": Agreement.LISTED,
    "prerequisite": Agreement.PREREQUISITE,
    "rule": Agreement.RULE,
    "holdout": Agreement.HOLDOUT,
    "layer": Agreement.LAYER,
    "audience": Agreement.AUDIENCE,
    "coverage": Agreement.COVERAGE,
}


@dataclass(frozen=True, slots=True)
class Example:
    """One exposure."""

    row: int
    """Of the file, from 1."""
    unit: str | None
    variant: str | None
    due: str | None
    """The variant that the unit's slot is of."""
    gate: str | None
    """Where the unit should have been turned away, or `inside`."""
    ruleset: int
    """Version of the ruleset that it was held against."""


@dataclass(frozen=True, slots=True)
class Audit:
    """How many exposures stand how, with examples of each."""

    exposures: int
    counts: Mapping[Agreement, int]
    examples: Mapping[Agreement, tuple[Example, ...]]

    @property
    def unexplained(self) -> int:
        """Exposures that nothing explains."""
        return sum(count for kind, count in self.counts.items() if kind not in EXPLAINED)


def audited(work: Work, rulesets: Sequence[Ruleset], key: str, kinds: Mapping[str, Kind]) -> Audit:
    """Recompute every exposure of an experiment, and say how each stands.

    Args:
        work: An engine in which the relations named above are loaded.
        rulesets: Rulesets that hold the experiment, at least one.
        key: The experiment's key.
        kinds: What the attributes that exposures carry hold.
    """
    ordered = sorted(rulesets, key=lambda one: one.version)
    names = [f"due_{index}" for index in range(len(ordered))]
    for name, one in zip(names, ordered, strict=True):
        work.keep(f"what ruleset {one.version} gives", name, due(one, key, kinds))
    others = linked([one.experiments[key] for one in ordered])
    work.keep("what other ids of a unit are due", "linked", others)
    work.keep("how exposures stand", "judged", judged(Held(tuple(ordered), tuple(names), key, kinds)))
    stands = column("stands", "j")
    counts = select([("stands", stands), ("n", tree("COUNT(*)"))], relation("judged", "j"))
    counted = work.ask("counts", counts.group_by(stands.copy()))
    shown = work.ask("examples", examples())
    found = {Agreement(row["stands"]): int(row["n"]) for row in counted.to_pylist()}
    told: dict[Agreement, tuple[Example, ...]] = {}
    for row in shown.to_pylist():
        kind = Agreement(row["stands"])
        one_of = Example(row["row"], row["unit"], row["variant"], row["due"], row["gate"], row["held"])
        told[kind] = (*told.get(kind, ()), one_of)
    return Audit(sum(found.values()), {kind: found[kind] for kind in Agreement if kind in found}, told)


def examples() -> exp.Select:
    """Write the first exposures of each kind."""
    names = ("stands", "row", "unit", "variant", "due", "gate", "held")
    first = tree("ROW_NUMBER() OVER (PARTITION BY j.stands ORDER BY j.row) <= :most", most=whole(EXAMPLES))
    query = select([(name, column(name, "j")) for name in names], relation("judged", "j"))
    return query.qualify(first).order_by(column("row", "j"))


def due(ruleset: Ruleset, key: str, kinds: Mapping[str, Kind]) -> exp.Select:
    """Write what a ruleset gives each exposure's unit: its variant, and where it is turned away."""
    experiment = ruleset.experiments[key]
    unit = column("unit", "e")
    asks = Asks(ruleset, unit, kinds)
    return select(
        [
            ("row", column("row", "e")),
            ("due", variant(experiment, unit)),
            ("gate", gate(asks, experiment, before(asks, key))),
        ],
        relation(EXPOSURES, "e"),
    )


@dataclass(frozen=True, slots=True)
class Held:
    """Rulesets in the order of their versions, and where what each gives is kept."""

    rulesets: tuple[Ruleset, ...]
    names: tuple[str, ...]
    key: str
    kinds: Mapping[str, Kind]

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """The experiment as each ruleset has it."""
        return tuple(one.experiments[self.key] for one in self.rulesets)

    @property
    def fits(self) -> tuple[exp.Expr, ...]:
        """Whether an exposure is what each ruleset gives."""
        pairs = zip(self.experiments, self.names, strict=True)
        return tuple(fitting(experiment, name) for experiment, name in pairs)

    @property
    def open(self) -> tuple[exp.Expr, ...]:
        """Whether an exposure is what each ruleset gives as far as can be told, and that is not the whole."""
        told = [unknown(one, self.key, self.kinds) for one in self.rulesets]
        return tuple(fit if wrong else exp.false() for fit, wrong in zip(self.fits, told, strict=True))

    def against(self, parts: Sequence[exp.Expr]) -> exp.Expr:
        """Choose the part of an exposure's own ruleset, where it is given; else of the newest."""
        own = [tree("COALESCE(e.ruleset = :v, FALSE)", v=whole(one.version)) for one in self.rulesets]
        return choice(zip(own, parts, strict=True), parts[-1].copy())

    def part(self, name: str) -> exp.Expr:
        """What that ruleset gives."""
        return self.against([column(name, table) for table in self.names])


def judged(held: Held) -> exp.Select:
    """Write how each exposure stands; it is held against its own ruleset, else against the newest given."""
    cases = [(when, text(stands)) for stands, when in (*plain(held), *explained(held), *turned_away(held))]
    query = select(
        [
            ("row", column("row", "e")),
            ("unit", column("unit", "e")),
            ("variant", column("variant", "e")),
            ("due", held.part("due")),
            ("gate", held.part("gate")),
            ("held", held.against([whole(one.version) for one in held.rulesets])),
            ("stands", choice(cases, text(Agreement.TAMPERING))),
        ],
        relation(EXPOSURES, "e"),
    )
    for name in held.names:
        same = exp.EQ(this=column("row", name), expression=column("row", "e"))
        query = query.join(relation(name, name), on=same)
    return query


def plain(held: Held) -> Iterator[tuple[Agreement, exp.Expr]]:
    """Write what can be said without looking for reasons."""
    variants = sorted({arm.variant for experiment in held.experiments for arm in experiment.arms})
    known = within(column("variant", "e"), [text(name) for name in variants])
    yield Agreement.NO_UNIT, tree("e.unit IS NULL OR e.unit = ''")
    yield Agreement.UNKNOWN_VARIANT, tree("NOT COALESCE(:known, FALSE)", known=known)
    yield Agreement.NOT_RECOMPUTABLE, held.against(held.open)
    yield Agreement.OK, held.against(held.fits)


def explained(held: Held) -> Iterator[tuple[Agreement, exp.Expr]]:
    """Write what explains that an exposure is not what its ruleset gives."""
    yield Agreement.STALE_RULESET, exp.or_(*held.fits)
    yield Agreement.OVERRIDE, overridden(held.rulesets, held.key)
    # a kept variant never overrules what keeps experiments apart, nor what is asked before the experiment
    apart = tree(":gate IN ('off', 'list', 'rule', 'holdout', 'layer')", gate=held.part("gate"))
    yield Agreement.STICKY, exp.and_(tree("e.detail = 'sticky'"), exp.not_(apart))
    yield (
        Agreement.IDENTITY,
        tree("EXISTS (SELECT 1 FROM linked AS l WHERE l.unit = e.unit AND l.variant = e.variant)"),
    )


def turned_away(held: Held) -> Iterator[tuple[Agreement, exp.Expr]]:
    """Write where an exposure of the variant due should not have been."""
    versions = sorted({experiment.version for experiment in held.experiments})
    given = within(column("version", "e"), [whole(version) for version in versions])
    yield Agreement.UNKNOWN_VERSION, exp.not_(given)
    due_it = tree(":due = :said", due=held.part("due"), said=column("variant", "e"))
    for name, stands in GATES.items():
        yield stands, exp.and_(due_it.copy(), tree(":gate = :name", gate=held.part("gate"), name=text(name)))


def within(value: exp.Expr, known: Sequence[exp.Expr]) -> exp.Expr:
    """Write whether a value is one of some; null where it is missing."""
    return exp.In(this=value.copy(), expressions=list(known))


def fitting(experiment: Experiment, name: str) -> exp.Expr:
    """Write whether an exposure is what a ruleset gives: inside, of the variant due, of the same version."""
    return every(
        [
            tree(":g = :inside", g=column("gate", name), inside=text(INSIDE)),
            tree(":d = :v", d=column("due", name), v=column("variant", "e")),
            tree("COALESCE(e.version = :v, TRUE)", v=whole(experiment.version)),
        ]
    )


def overridden(rulesets: Sequence[Ruleset], key: str) -> exp.Expr:
    """Write whether a unit is on a list that is served what the exposure says."""
    cases: list[exp.Expr] = [exp.false()]
    for one in rulesets:
        experiment = one.experiments[key]
        for override in overrides_of(one, experiment):
            served = [text(arm.variant) for arm in experiment.arms if arm.serve == override.serve]
            on = on_list(Asks(one, column("unit", "e"), {}), override.list)
            if served:
                cases.append(exp.and_(exp.In(this=column("variant", "e"), expressions=served), on))
    return exp.or_(*cases)


def overrides_of(ruleset: Ruleset, experiment: Experiment) -> tuple[Override, ...]:
    """Give the lists of its own units that are asked before an experiment."""
    flag = None if experiment.flag is None else ruleset.flags[experiment.flag]
    return () if flag is None or flag.unit != experiment.unit else flag.overrides


def listed(rulesets: Sequence[Ruleset], key: str) -> dict[str, list[str]]:
    """Give the rows of `overrides`: every hash of every list that is asked before the experiment."""
    rows: dict[str, list[str]] = {"list": [], "hash": []}
    for one in rulesets:
        asked = reachable(one, one.experiments[key].flag).values()
        for name in dict.fromkeys(override.list for flag in asked for override in flag.overrides):
            hashes = one.lists[name].hashes
            rows["list"] += [list_name(one, name)] * len(hashes)
            rows["hash"] += hashes
    return rows


def linked(experiments: Sequence[Experiment]) -> exp.Query:
    """Write which variants the other ids of a unit are due."""
    queries: list[exp.Query] = [
        select(
            [("unit", column("unit", "a")), ("variant", variant(experiment, column("other", "a")))],
            relation(ALIASES, "a"),
        )
        for experiment in experiments
    ]
    whole_query = queries[0]
    for query in queries[1:]:
        whole_query = exp.union(whole_query, query)
    return whole_query
