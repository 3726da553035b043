"""Random worlds of units with segments that tell of one another, and their readouts at several moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from splitrun.govern.cells.grids import Past
from splitrun.govern.cells.withholding import Screened, screened
from splitrun.judge.reading import readout
from splitrun.judge.readout import Readout
from splitrun.measure.measured import Cells, Codes, Column, Dirt, Measured, Statement
from splitrun.moments import Moments
from splitrun.spec.plan import Plan
from tests.check.worlds import plan, primary, secondary

__all__ = ["METRICS", "SEGMENTS", "Units", "drawn", "looked", "measured", "shown"]

SEGMENTS = ("country", "region", "grown", "older", "plan")
"""A region is made of countries; whoever is older is grown; `plan` knows nothing of the others."""
METRICS = ("fetched", "revenue")
COUNTRIES = ("AT", "CH", "DE", "FR", "IT", "LI")
REGIONS = ("east", "east", "north", "west", "west", "east")
MADE_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Units in the order in which they came; all arrays have shape (units,)."""

    variant: np.ndarray
    labels: dict[str, np.ndarray]
    value: np.ndarray
    known: np.ndarray
    """Whether the second metric is known of it."""


def drawn(rng: np.random.Generator, most: int = 260) -> Units:
    """Draw a world: some levels are rare, some empty in a variant, some hold nearly all."""
    count = int(rng.integers(8, most))
    weights = rng.dirichlet(np.full(len(COUNTRIES), rng.choice([0.2, 0.6, 3.0])))
    country = rng.choice(len(COUNTRIES), size=count, p=weights)
    age = rng.integers(17, int(rng.integers(20, 60)), size=count)
    labels = {
        "country": np.array(COUNTRIES)[country],
        "region": np.array(REGIONS)[country],
        "grown": np.where(age >= 18, "true", "false"),
        "older": np.where(age >= 21, "true", "false"),
        "plan": rng.choice(["free", "team", "firm"], size=count, p=rng.dirichlet([1.0, 0.5, 0.2])),
    }
    variants = 2 + int(rng.random() < 0.3)
    return Units(
        variant=rng.integers(0, variants, size=count),
        labels=labels,
        value=(rng.random(count) < 0.4).astype(np.float64),
        known=rng.random(count) < rng.choice([0.3, 0.95, 1.0]),
    )


def planned(variants: int, segments: Sequence[str]) -> Plan:
    """The plan of such a world."""
    weights = {"control": 1, **{f"t{each}": 1 for each in range(1, variants)}}
    return plan([primary("fetched"), secondary("revenue")], weights=weights, segments=segments)


def measured(units: Units, of: Plan, count: int, segments: Sequence[str]) -> Measured:
    """What is measured of the first so many units."""
    codes = {key: np.unique(units.labels[key][:count], return_inverse=True) for key in segments}
    keys = np.stack([units.variant[:count], *(code for _, code in codes.values())], axis=1)
    cells, place = np.unique(keys, axis=0, return_inverse=True)
    place = place.reshape(-1)
    known = {"fetched": np.ones(count, dtype=bool), "revenue": units.known[:count]}
    none = np.zeros(len(of.variants), dtype=np.int64)
    columns = {}
    for key, have in known.items():
        alone = Moments(np.ones(have.sum()), units.value[:count][have][:, None], np.zeros((have.sum(), 1, 1)))
        columns[key] = Column(alone.gathered(place[have], len(cells)), none, none)
    return Measured(
        cells=Cells(
            variant=Codes(tuple(one.key for one in of.variants), cells[:, 0]),
            segments={
                key: Codes(tuple(map(str, names)), cells[:, 1 + at])
                for at, (key, (names, _)) in enumerate(codes.items())
            },
            phase=Codes(("",), np.zeros(len(cells), dtype=np.int64)),
            units=np.bincount(place, minlength=len(cells)),
        ),
        columns=columns,
        exposed=np.bincount(units.variant[:count], minlength=len(of.variants)),
        dirt=Dirt(exposure_rows=count),
        sources=(),
        sql=(Statement("cut", "CASE WHEN u.s0 = 'LI' THEN 0 WHEN u.s0 = 'AT' THEN 1 END"),),
        as_of=MADE_AT + timedelta(minutes=count),
        first_exposure=MADE_AT,
        last_exposure=MADE_AT,
    )


def shown(
    units: Units, count: int, least: int, segments: Sequence[str] = SEGMENTS, past: Sequence[Past] = ()
) -> tuple[Readout, Readout, Screened]:
    """The readout as it was judged, as it may be shown, and what is hidden of it."""
    of = planned(int(units.variant.max()) + 1, segments)
    found = measured(units, of, count, segments)
    whole = readout(of, found, (), made_at=MADE_AT, versions={})
    cells = screened(found, segments, METRICS, least, past)
    return whole, cells.withheld(whole), cells


def looked(cells: Screened, seen: Readout) -> Past:
    """What a later readout knows of an earlier one."""
    return Past(seen.as_of, cells.shown)


def halved(units: Units, rng: np.random.Generator) -> int:
    """How many units had come at an earlier look: often nearly all."""
    count = len(units.variant)
    return int(max(4, count - rng.choice([0, 1, 3, 9, 30, count // 2])))


def without_sql(readout: Readout) -> Readout:
    """A readout but for its statements."""
    return replace(readout, lineage=replace(readout.lineage, sql=()))
