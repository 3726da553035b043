"""Dealing variants: to units one by one, inside strata, to whole clusters, by hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import numpy as np

from splitrun.assign.ruleset import WHOLE
from splitrun.assign.slots import sha256, threshold
from splitrun.errors import DataError
from splitrun.plan.designs.design import Small
from splitrun.plan.designs.dice import Dice, Whole
from splitrun.plan.designs.roster import Labels
from splitrun.plan.designs.rounding import counts

__all__ = ["POOLED", "Strata", "crossed", "dealt", "enough", "hashed", "pooled", "slots"]

POOLED = "(small strata)"
"""The stratum into which small ones are pooled."""
SHOWN = 5
"""How many strata a message names."""


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """A partition of units or clusters."""

    names: tuple[str, ...]
    code: Whole
    """Shape (members,)."""
    notes: tuple[str, ...] = ()

    @property
    def sizes(self) -> Whole:
        """Members of each stratum, shape (strata,)."""
        return np.bincount(self.code, minlength=len(self.names)).astype(np.int64)


def enough(members: int, variants: Mapping[str, int], what: str) -> None:
    """Refuse to deal more variants than there are members.

    Raises:
        DataError: With both numbers.
    """
    if members < len(variants):
        raise DataError(
            f"there are {members:,} {what} for {len(variants)} variants ({', '.join(variants)}); "
            f"name a frame with more {what}, or fewer variants"
        )


def crossed(columns: Mapping[str, Labels], members: int) -> Strata:
    """Cross columns: a stratum for each combination of values that occurs, named `DE | gold`."""
    code = np.zeros(members, dtype=np.int64)
    names: list[tuple[str, ...]] = [()]
    for column in columns.values():
        both = code * len(column.levels) + column.code
        present, code = np.unique(both, return_inverse=True)
        names = [
            (*names[int(pair) // len(column.levels)], column.levels[int(pair) % len(column.levels)])
            for pair in present
        ]
    return Strata(tuple(" | ".join(name) for name in names), code.astype(np.int64))


def pooled(strata: Strata, least: int, small: Small, what: str) -> Strata:
    """Do with strata of fewer members than variants what was asked for.

    Raises:
        DataError: They were to be refused.
    """
    sizes = strata.sizes
    few = [index for index, size in enumerate(sizes) if size < least]
    if not few:
        return strata
    listed = ", ".join(f"{strata.names[index]!r} {sizes[index]}" for index in few[:SHOWN])
    more = ", …" if len(few) > SHOWN else ""
    says = f"{len(few):,} of {len(sizes):,} strata have fewer {what} than the {least} variants"
    match small:
        case Small.REFUSE:
            raise DataError(
                f"{says} ({listed}{more}); name fewer or coarser strata, or write `small: pool` or `keep`"
            )
        case Small.KEEP:
            note = f"{says} ({listed}{more}) and were kept: not every variant is in each of them"
            return Strata(strata.names, strata.code, (note,))
        case Small.POOL:
            kept = [index for index in range(len(sizes)) if sizes[index] >= least]
            place = np.full(len(sizes), len(kept), dtype=np.int64)
            place[kept] = np.arange(len(kept))
            note = f"{says} ({listed}{more}) and were pooled into one, {POOLED!r}"
            return Strata((*(strata.names[index] for index in kept), POOLED), place[strata.code], (note,))


def dealt(strata: Strata, weights: Sequence[int], dice: Dice) -> Whole:
    """Deal variants to members, by counts that are exact in every stratum and over all to within one.

    Returns:
        Places among the variants, shape (members,).
    """
    share = counts(strata.sizes.tolist(), weights, dice)
    variant = np.empty(len(strata.code), dtype=np.int64)
    # a random order of all, sorted into strata without disturbing it, is a random order in each
    order = dice.order("deal", len(strata.code))
    order = order[np.argsort(strata.code[order], kind="stable")]
    variant[order] = np.repeat(np.tile(np.arange(len(weights)), len(share)), share.ravel())
    return variant


def slots(salt: str, units: Sequence[bytes]) -> Whole:
    """The slots of many units under one salt, as `assign.slots.slot` gives them, shape (units,)."""
    start = salt.encode() + b":"
    heads = b"".join([sha256(start + unit).digest()[:4] for unit in units])
    return np.frombuffer(heads, dtype=">u4").astype(np.int64)


def hashed(salt: str, units: Sequence[bytes], weights: Sequence[int]) -> Whole:
    """The variants that clients give online under a salt, by the slots below each arm's threshold.

    Returns:
        Places among the variants, shape (units,).
    """
    ends = [threshold(Fraction(total, sum(weights))) for total in accumulate(weights)]
    # the last variant takes what is left
    below = np.array([*ends[:-1], WHOLE], dtype=np.int64)
    return np.searchsorted(below, slots(salt, units), side="right").astype(np.int64)
