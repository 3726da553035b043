"""A reader who takes readouts from one another finds out nothing that was hidden."""

from __future__ import annotations

import os
from itertools import product

import numpy as np
import pytest

from splitrun.govern.cells.grids import UNITS
from splitrun.govern.cells.suppression import Grid, hidden
from splitrun.govern.cells.system import Place, Sum
from splitrun.govern.cells.withholding import Screened
from splitrun.report.form import form
from tests.govern.cells.attacker import Attack, attacked, pairs
from tests.govern.cells.worlds import SEGMENTS, Units, drawn, halved, looked, shown

FULL = os.environ.get("SPLITRUN_CELLS") == "full"
"""`make cells`: as many worlds as it takes for 10,000 pairs of queries several times over."""
WORLDS = 300 if FULL else 5


def count(units: Units, of: int, place: tuple[int, str], cut: tuple[str, str]) -> int:
    """The true count of a variant in a level among the first so many units."""
    variant, kind = place
    mine = (units.variant[:of] == variant) & (units.labels[cut[0]][:of] == cut[1])
    if kind.endswith("revenue"):
        mine &= units.known[:of]
    if kind.startswith("ones of"):
        mine &= units.value[:of] == 1
    return int(mine.sum())


def recovered(attack: Attack, units: Units, counts: list[int], least: int) -> list[str]:
    """What an attacker has found out, of what was not told by the whole alone."""
    found = []
    for key, low, high in attack.solve():
        look, kind, segment, level = key
        variant = 0 if attack.variant == "control" else int(attack.variant[1:])
        truth = count(units, counts[look], (variant, kind), (segment, level))
        assert low <= truth <= high, (key, low, truth, high)
        if low == high and not known_anyway(units, counts, (variant, kind), key):
            found.append(f"{key} of {attack.variant} is {truth} (of at least {least})")
    return found


def known_anyway(units: Units, counts: list[int], place: tuple[int, str], key: tuple[object, ...]) -> bool:
    """Whether the whole tells it: nobody, or everybody, is one; or nobody came since it was shown."""
    look, kind, segment, _ = key
    variant = place[0]
    assert isinstance(look, int)
    assert isinstance(kind, str)
    mine = units.variant[: counts[look]] == variant
    if kind.endswith("revenue"):
        mine &= units.known[: counts[look]]
    total = mine.sum()
    if kind.startswith("ones of"):
        return True
    if len(set(units.labels[str(segment)][: counts[look]])) < 2:
        return True
    others = [units.variant[:other] == variant for other in counts]
    if kind.endswith("revenue"):
        others = [one & units.known[: len(one)] for one in others]
    grown = [abs(int(one.sum()) - int(total)) for at, one in enumerate(others) if at != look]
    return not total or 0 in grown


@pytest.mark.requirement("R78")
def test_an_attacker_who_takes_readouts_from_one_another_recovers_no_hidden_count() -> None:
    rng = np.random.default_rng(20261123)
    found, held, secrets = [], 0, 0
    for _ in range(WORLDS):
        units, least = drawn(rng), int(rng.choice([3, 5, 10, 20]))
        earlier = halved(units, rng)
        counts = [earlier, len(units.variant)]
        _, first, cells = shown(units, counts[0], least)
        _, second, later = shown(units, counts[1], least, past=[looked(cells, first)])

        forms = [form(first), form(second)]
        held += pairs(forms)
        for attack in attacked(forms):
            secrets += len(attack.hidden)
            found += recovered(attack, units, counts, least)
        found += differences([cells, later], least)

    assert found == []
    assert held >= (10_000 if FULL else 1_000)
    assert secrets >= WORLDS


def differences(cells: list[Screened], least: int) -> list[str]:
    """Levels that were shown twice, with so few units more that these stand alone."""
    found = []
    for kind in cells[0].shown:
        for segment in SEGMENTS:
            before, after = (one.shown[kind].levels[segment] for one in cells)
            for level in set(before) & set(after):
                one, two = before[level], after[level]
                if one and two and any(0 < abs(x - y) < least for x, y in zip(one, two, strict=True)):
                    found.append(f"{kind} {segment} {level}: {one} and then {two}")
    return found


Seen = tuple[tuple[str, tuple[int, ...] | None], ...]
"""Levels with their counts, or that these were hidden."""


@pytest.mark.requirement("R78")
def test_knowing_how_levels_are_chosen_does_not_give_a_count_away() -> None:
    least, totals, names = 3, (7, 6), ("a", "b", "c")
    worlds: dict[Seen, list[tuple[tuple[int, ...], ...]]] = {}
    columns = [[cut for cut in product(range(total + 1), repeat=3) if sum(cut) == total] for total in totals]
    for control, treatment in product(*columns):
        now = {Place("s", name): (control[at], treatment[at]) for at, name in enumerate(names)}
        gone = hidden(Grid(totals, now, (Sum(dict.fromkeys(now, 1), totals),)), least).places
        seen: Seen = tuple((place.level, None if place in gone else now[place]) for place in now)
        worlds.setdefault(seen, []).append(tuple(now.values()))

    for seen, possible in worlds.items():
        for at, (_, counts) in enumerate(seen):
            for variant in range(2) if counts is None else ():
                assert len({one[at][variant] for one in possible}) > 1, seen
    assert any(counts is None for seen in worlds for _, counts in seen)
    assert UNITS == ""
