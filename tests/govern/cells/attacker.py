"""Somebody who has every readout that was shown, adds and takes away, and knows what the segments mean.

It shares no line with the suppression: it reads the JSON form, and solves linear programmes for the least and
the most that each hidden count can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import ceil, floor
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from tests.govern.cells.worlds import COUNTRIES, METRICS, REGIONS

__all__ = ["Attack", "attacked", "pairs"]

Key = tuple[Any, ...]
"""Look, kind of count, segment, level; a kind is `exposed`, a metric, or the ones among a metric's units."""


@dataclass(slots=True)
class Attack:
    """What is known of one variant's counts."""

    variant: str
    shown: dict[Key, float] = field(default_factory=dict)
    hidden: dict[Key, int] = field(default_factory=dict)
    equal: list[tuple[dict[Key, int], float]] = field(default_factory=list)
    below: list[tuple[Key, Key]] = field(default_factory=list)

    def solve(self) -> Iterator[tuple[Key, int, int]]:
        """The least and the most whole number that every hidden count can be."""
        equal, right = self.matrix([(of, total) for of, total in self.equal])
        under, limit = self.matrix([({small: 1, large: -1}, 0.0) for small, large in self.below])
        for key, place in self.hidden.items():
            if key[1].startswith("ones of"):
                continue  # units are what is hidden; of them it may be told that none, or all, are one
            ends: list[float] = []
            for sign in (1, -1):
                cost = np.zeros(len(self.hidden))
                cost[place] = sign
                best = linprog(cost, A_ub=under, b_ub=limit, A_eq=equal, b_eq=right, bounds=(0, None))
                assert best.status in {0, 3}, best.message
                ends.append(sign * float(best.fun or 0.0) if best.status == 0 else np.inf)
            low, high = ends
            yield key, ceil(low - 1e-6), 10**9 if np.isinf(high) else floor(high + 1e-6)

    def matrix(self, rows: Sequence[tuple[Mapping[Key, int], float]]) -> tuple[Any, Any]:
        """Rows over the hidden counts; those over none are left out."""
        at, places, factors = list[int](), list[int](), list[int]()
        right: list[float] = []
        for of, total in rows:
            unknown = {key: sign for key, sign in of.items() if key in self.hidden}
            if not unknown:
                continue
            for key, sign in unknown.items():
                at.append(len(right))
                places.append(self.hidden[key])
                factors.append(sign)
            right.append(total - sum(s * self.shown[key] for key, s in of.items() if key not in unknown))
        if not right:
            return None, None
        return coo_array((factors, (at, places)), shape=(len(right), len(self.hidden))), right


def attacked(forms: Sequence[dict[str, Any]]) -> list[Attack]:
    """Write down what readouts of the same experiment say, the earliest first."""
    attacks = []
    for place, variant in enumerate(one["variant"] for one in forms[0]["units"]):
        attack = Attack(variant)
        for look, form in enumerate(forms):
            read(attack, form, look, place)
        meanings(attack, len(forms))
        attacks.append(attack)
    return attacks


def read(attack: Attack, form: dict[str, Any], look: int, place: int) -> None:
    """Take the counts of one variant from a readout."""
    side = "treatment" if place else "control"
    totals: dict[str, float] = {"exposed": form["units"][place]["analysed"]}
    for one in form["estimates"]:
        if place and one["variant"] != attack.variant:
            continue
        metric, cut, arm = one["metric"], one["segment"], one[side]
        counts = {"exposed": arm["exposed"], metric: arm["units"], f"ones of {metric}": ones(arm)}
        for kind, count in counts.items():
            if cut is None:
                totals[kind] = totals.get(kind, count)
                continue
            key = (look, kind, cut["key"], cut["level"])
            if count is not None:
                attack.shown[key] = count
                attack.hidden.pop(key, None)
            elif key not in attack.shown:
                attack.hidden[key] = 0
    tables(attack, look, totals)


def ones(arm: dict[str, Any]) -> float | None:
    """The units of a side whose value is 1."""
    if arm["units"] is None:
        return None
    return float(round(arm["units"] * (arm["mean"] or 0.0)))


def tables(attack: Attack, look: int, totals: Mapping[str, float]) -> None:
    """Every segment's levels add up to the whole."""
    for kind, total in totals.items():
        mine = [key for key in (*attack.shown, *attack.hidden) if key[:2] == (look, kind)]
        for segment in sorted({key[2] for key in mine}):
            attack.equal.append(({key: 1 for key in mine if key[2] == segment}, total))


def meanings(attack: Attack, looks: int) -> None:
    """What the segments mean, that units only come to be more, and that metrics count some of them."""
    known = {**attack.shown, **attack.hidden}
    attack.hidden = {key: place for place, key in enumerate(attack.hidden)}
    for look in range(looks):
        for kind in ("exposed", *METRICS, *(f"ones of {metric}" for metric in METRICS)):
            for region in sorted(set(REGIONS)):
                inside = [name for name, part in zip(COUNTRIES, REGIONS, strict=True) if part == region]
                of = {(look, kind, "country", name): -1 for name in inside}
                of = {key: sign for key, sign in of.items() if key in known}
                if (look, kind, "region", region) in known:
                    attack.equal.append(({(look, kind, "region", region): 1, **of}, 0.0))
            attack.below.append(((look, kind, "older", "true"), (look, kind, "grown", "true")))
            attack.below.append(((look, kind, "grown", "false"), (look, kind, "older", "false")))
    for look, kind, segment, level in known:
        mine = (look, kind, segment, level)
        if kind.startswith("ones of "):
            attack.below.append((mine, (look, kind.removeprefix("ones of "), segment, level)))
        elif kind != "exposed":
            attack.below.append((mine, (look, "exposed", segment, level)))
        attack.below.append((mine, (look + 1, kind, segment, level)))
    attack.below = [
        (one, two)
        for one, two in attack.below
        if one in known and two in known and (one in attack.hidden or two in attack.hidden)
    ]


def pairs(forms: Sequence[dict[str, Any]]) -> int:
    """How many pairs of queries the attacker holds against each other: a metric by a segment, or whole."""
    queries = {
        (look, one["metric"], (one["segment"] or {"key": ""})["key"])
        for look, form in enumerate(forms)
        for one in form["estimates"]
    }
    return len(list(combinations(queries, 2)))
