"""A population dealt to variants under a design, with the balance that came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from splitrun.assign.slots import dealing_salt
from splitrun.errors import DataError
from splitrun.plan.designs import clusters as whole
from splitrun.plan.designs.balance import Difference, Splits, balance, features
from splitrun.plan.designs.clusters import Sizes
from splitrun.plan.designs.dealt import Strata, crossed, dealt, enough, hashed, pooled
from splitrun.plan.designs.design import Blocked, Cluster, Design, Draw, SaltSearch, Simple
from splitrun.plan.designs.dice import Dice, Whole, seed_of
from splitrun.plan.designs.roster import MISSING, Labels, Roster
from splitrun.plan.designs.salts import Search, search, warning

__all__ = ["Assignment", "Count", "Dealing", "assignment", "seed_for"]

Dealing = Simple | Blocked | Cluster | SaltSearch
"""Designs over units that stand in a frame."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many units or clusters of a stratum, or of all, got a variant."""

    of: str
    stratum: str | None
    """None over all."""
    variant: str
    due: float
    """What the weight gives."""
    before: int
    """Under the simple assignment of the same seed."""
    after: int


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """Who gets what, and how alike the variants are."""

    design: Dealing
    seed: int
    roster: Roster
    split: Whole
    """Places among the design's variants, shape (units,)."""
    strata: Strata | None
    """Of the units; none where the design has none."""
    counts: tuple[Count, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    salt: str | None = None
    """Under which clients give the same variants."""
    clusters: Sizes | None = None
    search: Search | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What a design gives before its balance is looked at; everything by unit."""

    before: Whole
    after: Whole
    strata: Strata | None = None
    notes: tuple[str, ...] = ()
    salt: str | None = None
    search: Search | None = None
    held: Labels | None = None
    """The units' clusters, where whole clusters were dealt."""


def seed_for(design: Design) -> int:
    """The seed written, or the one of its key."""
    return seed_of(design.key or "", design.design) if design.seed is None else design.seed


def assignment(design: Dealing, roster: Roster) -> Assignment:
    """Deal a population.

    Raises:
        DataError: There are too few units or clusters, or the columns do not fit the design.
    """
    enough(len(roster.units), design.variants, "units")
    seed = seed_for(design)
    parts = dealing(design, roster, seed)
    held = parts.held
    sizes = None if held is None else whole.sizes(held)
    return Assignment(
        design=design, seed=seed, roster=roster, split=parts.after, strata=parts.strata,
        counts=tuple(counted(design, parts)), differences=tuple(compared(design, roster, parts)),
        notes=(*missing(design, roster), *parts.notes), salt=parts.salt, clusters=sizes, search=parts.search,
    )  # fmt: skip


def dealing(design: Dealing, roster: Roster, seed: int) -> Parts:
    """Deal by the design, and simply, on the same seed."""
    dice, weights = Dice(seed), list(design.variants.values())
    everybody = crossed({}, len(roster.units))
    match design:
        case Simple(draw=Draw.EXACT):
            split = dealt(everybody, weights, dice)
            return Parts(split, split)
        case Simple():
            salt = design.salt or dealing_salt(design.key or "", 1)
            split = hashed(salt, encoded(roster), weights)
            return Parts(split, split, salt=salt)
        case Blocked():
            strata = crossed({name: roster.labels[name] for name in design.strata}, len(roster.units))
            strata = pooled(strata, len(weights), design.small, "units")
            return Parts(dealt(everybody, weights, dice), dealt(strata, weights, dice), strata, strata.notes)
        case Cluster():
            return by_cluster(design, roster, dice)
        case SaltSearch():
            found = search(design, list(features(roster, design.covariates)), encoded(roster), seed)
            if found is None:
                raise DataError(
                    f"each of {design.candidates} salts left a variant without units of known covariates "
                    f"({len(roster.units)} units); name a frame with more units, or use blocked"
                )
            return Parts(found.before, found.after, None, (warning(design),), found.salt, found)


def encoded(roster: Roster) -> list[bytes]:
    """The ids as they are hashed."""
    return [unit.encode() for unit in roster.units]


def by_cluster(design: Cluster, roster: Roster, dice: Dice) -> Parts:
    """Deal whole clusters, and give each unit what its cluster got."""
    held = whole.present(design.cluster, roster.labels[design.cluster])
    weights, members = list(design.variants.values()), len(held.levels)
    enough(members, design.variants, "clusters")
    columns = whole.above(held, {name: roster.labels[name] for name in design.strata})
    strata = pooled(crossed(columns, members), len(weights), design.small, "clusters")
    before = dealt(crossed({}, members), weights, dice)
    after = dealt(strata, weights, dice)
    doubts = whole.doubts(whole.sizes(held), tuple(design.variants), after)
    return Parts(
        before=before[held.code], after=after[held.code],
        strata=Strata(strata.names, strata.code[held.code]) if design.strata else None,
        notes=(*strata.notes, *doubts), held=held,
    )  # fmt: skip


def strata_of(design: Dealing) -> tuple[str, ...]:
    """The columns whose values are strata."""
    match design:
        case Blocked(strata=names) | Cluster(strata=names):
            return names
        case Simple() | SaltSearch():
            return ()


def missing(design: Dealing, roster: Roster) -> Iterator[str]:
    """Units without a value in a column of the strata."""
    for name in strata_of(design):
        column = roster.labels[name]
        if column.gaps:
            lost = int((column.code == len(column.levels) - 1).sum())
            yield f"units without a value in {name}: {lost:,}, as a stratum of their own, {MISSING!r}"


def by_clusters(held: Labels, parts: Parts) -> Parts:
    """The same with a place for each cluster instead of each unit."""
    _, first = np.unique(held.code, return_index=True)
    strata = parts.strata
    return Parts(parts.before[first], parts.after[first], strata and Strata(strata.names, strata.code[first]))


def counted(design: Dealing, parts: Parts) -> Iterator[Count]:
    """Count what each variant got: units, and clusters where these were dealt."""
    yield from counts_of("unit", design, parts)
    if parts.held is not None:
        yield from counts_of("cluster", design, by_clusters(parts.held, parts))


def counts_of(of: str, design: Dealing, parts: Parts) -> Iterator[Count]:
    """Count members over all, then stratum by stratum."""
    arms, total = len(design.variants), sum(design.variants.values())
    groups: list[tuple[str | None, Whole, Whole]] = [(None, parts.before, parts.after)]
    if parts.strata is not None:
        for index, name in enumerate(parts.strata.names):
            inside = parts.strata.code == index
            groups.append((name, parts.before[inside], parts.after[inside]))
    for stratum, before, after in groups:
        early, late = np.bincount(before, minlength=arms), np.bincount(after, minlength=arms)
        for index, (variant, weight) in enumerate(design.variants.items()):
            due = len(after) * weight / total
            yield Count(of, stratum, variant, due, int(early[index]), int(late[index]))


def compared(design: Dealing, roster: Roster, parts: Parts) -> Iterator[Difference]:
    """Standardised differences over all in strata and covariates, and of covariates inside each stratum."""
    covariates = list(features(roster, design.covariates))
    together = [*features(roster, strata_of(design)), *covariates]
    splits = Splits(tuple(design.variants), parts.before, parts.after)
    yield from balance(together, None, splits, "unit")
    if parts.held is not None:
        held = parts.held
        fewer = by_clusters(held, parts)
        own = Splits(splits.variants, fewer.before, fewer.after)
        yield from balance(list(whole.means(together, held)), None, own, "cluster")
    if parts.strata is not None:
        yield from balance(covariates, parts.strata, splits, "unit")
