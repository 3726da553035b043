"""Logged exposures held against what rulesets give: recomputed in SQL, and told apart by why they differ.

Recomputed are holdouts, layer, audience, coverage and variant. Not recomputed is what the flag asks before
the experiment: prerequisites, and rules that stand before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlglot import exp

from splitrun.assign.ruleset import WHOLE, Experiment, Override, Ruleset
from splitrun.measure.assignment import below, slot_hex
from splitrun.measure.sql import Work, choice, column, every, relation, select, text, tree, whole
from splitrun.terms.rendering import Bound, rendered
from splitrun.terms.tree import Kind, columns

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
    OK = "ok"
    STALE_RULESET = "stale ruleset"
    OVERRIDE = "override"
    STICKY = "sticky"
    IDENTITY = "identity"
    UNKNOWN_VERSION = "unknown version"
    HOLDOUT = "in a holdout"
    LAYER = "outside the layer"
    AUDIENCE = "outside the audience"
    COVERAGE = "outside coverage"
    TAMPERING = "tampering"


EXPLAINED = frozenset(
    {Agreement.OK, Agreement.STALE_RULESET, Agreement.OVERRIDE, Agreement.STICKY, Agreement.IDENTITY}
)
"""Nothing is wrong with these."""

GATES = {
    "holdout": Agreement.HOLDOUT,
    "layer": Agreement.LAYER,
    "audience": Agreement.AUDIENCE,
    "coverage": Agreement.COVERAGE,
}
INSIDE = "inside"


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


def unchecked(experiment: Experiment, kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """Name the attributes of an audience that exposures do not carry; without them it is not recomputed."""
    asked = () if experiment.audience is None else columns(experiment.audience)
    return tuple(name for name in asked if name not in kinds)


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
    work.keep("how exposures stand", "judged", judged(Held(tuple(ordered), tuple(names), key)))
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
    return select(
        [
            ("row", column("row", "e")),
            ("due", variant(experiment, unit)),
            ("gate", gate(ruleset, experiment, unit, kinds)),
        ],
        relation(EXPOSURES, "e"),
    )


def variant(experiment: Experiment, unit: exp.Expr) -> exp.Expr:
    """Write the variant that a unit's slot is of; null where there is no unit."""
    slot = slot_hex(experiment.salt, unit)
    arms = [(below(slot, arm.below), text(arm.variant)) for arm in experiment.arms]
    return choice(arms)


def gate(ruleset: Ruleset, experiment: Experiment, unit: exp.Expr, kinds: Mapping[str, Kind]) -> exp.Expr:
    """Write where a unit is turned away first, or that it is inside."""
    asked: list[tuple[exp.Expr, exp.Expr]] = []
    for name in experiment.holdouts:
        holdout = ruleset.holdouts[name]
        asked.append((below(slot_hex(holdout.salt, unit), holdout.below), text("holdout")))
    if experiment.layer is not None:
        slot = slot_hex(ruleset.layers[experiment.layer].salt, unit)
        parts = [exp.and_(exp.not_(below(slot, start)), below(slot, end)) for start, end in experiment.slots]
        inside = exp.or_(*parts) if parts else exp.false()
        asked.append((exp.not_(inside), text("layer")))
    if experiment.audience is not None and not unchecked(experiment, kinds):
        bound = {
            name: Bound(exp.paren(column(f"a_{name}", "e"), copy=False), kind) for name, kind in kinds.items()
        }
        eligible = tree("COALESCE(:it, FALSE)", it=rendered(experiment.audience, bound))
        asked.append((exp.not_(eligible), text("audience")))
    if experiment.coverage < WHOLE:
        covered = below(slot_hex(experiment.coverage_salt, unit), experiment.coverage)
        asked.append((exp.not_(covered), text("coverage")))
    return choice(asked, text(INSIDE))


@dataclass(frozen=True, slots=True)
class Held:
    """Rulesets in the order of their versions, and where what each gives is kept."""

    rulesets: tuple[Ruleset, ...]
    names: tuple[str, ...]
    key: str

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """The experiment as each ruleset has it."""
        return tuple(one.experiments[self.key] for one in self.rulesets)

    @property
    def fits(self) -> tuple[exp.Expr, ...]:
        """Whether an exposure is what each ruleset gives."""
        pairs = zip(self.experiments, self.names, strict=True)
        return tuple(fitting(experiment, name) for experiment, name in pairs)

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
    yield Agreement.OK, held.against(held.fits)


def explained(held: Held) -> Iterator[tuple[Agreement, exp.Expr]]:
    """Write what explains that an exposure is not what its ruleset gives."""
    yield Agreement.STALE_RULESET, exp.or_(*held.fits)
    yield Agreement.OVERRIDE, overridden(held.rulesets, held.key)
    # a kept variant never overrules what keeps experiments apart
    apart = tree(":gate IN ('holdout', 'layer')", gate=held.part("gate"))
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
            hashed = tree(
                "SUBSTR(:slot, 1, 32)", slot=slot_hex(one.lists[override.list].salt, column("unit", "e"))
            )
            on = tree(
                "EXISTS (SELECT 1 FROM overrides AS o WHERE o.list = :name AND o.hash = :hashed)",
                name=text(list_name(one, override.list)),
                hashed=hashed,
            )
            if served:
                cases.append(exp.and_(exp.In(this=column("variant", "e"), expressions=served), on))
    return exp.or_(*cases)


def overrides_of(ruleset: Ruleset, experiment: Experiment) -> tuple[Override, ...]:
    """Give the lists that are asked before an experiment."""
    return () if experiment.flag is None else ruleset.flags[experiment.flag].overrides


def list_name(ruleset: Ruleset, name: str) -> str:
    """Name a list of one ruleset among those of several."""
    return f"{ruleset.version}:{name}"


def listed(rulesets: Sequence[Ruleset], key: str) -> dict[str, list[str]]:
    """Give the rows of `overrides`: every hash of every list that is asked before the experiment."""
    rows: dict[str, list[str]] = {"list": [], "hash": []}
    for one in rulesets:
        for override in overrides_of(one, one.experiments[key]):
            hashes = one.lists[override.list].hashes
            rows["list"] += [list_name(one, override.list)] * len(hashes)
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
