"""Made-up populations."""

from __future__ import annotations

import numpy as np

from splitrun.plan.designs.assignment import Assignment, assignment
from splitrun.plan.designs.design import Blocked, Cluster, SaltSearch, Simple, Switchback, read_design
from splitrun.plan.designs.roster import Roster, roster

__all__ = ["crowd", "dealing", "people", "switching"]


def people(count: int) -> Roster:
    """Ids and nothing else."""
    return roster([f"u{index}" for index in range(count)], {}, {})


def crowd(count: int = 400) -> Roster:
    """People with an age, a country, a plan and a shop; some values are missing."""
    rng = np.random.default_rng(20261122)
    ages: list[float | None] = list(rng.normal(40, 12, count))
    countries: list[str | None] = list(rng.choice(["DE", "FR", "US"], count, p=[0.5, 0.3, 0.2]))
    ages[3] = countries[5] = None
    return roster(
        [f"u{index}" for index in range(count)],
        {
            "country": countries,
            "plan": list(rng.choice(["free", "gold"], count, p=[0.8, 0.2])),
            "shop": [f"s{index % 24}" for index in range(count)],
        },
        {"age": ages, "spend": list(rng.exponential(50, count))},
    )


def read(**said: object) -> Simple | Blocked | Cluster | SaltSearch | Switchback:
    return read_design({"unit": "id", "key": "tried", **said})


def dealing(population: Roster, **said: object) -> Assignment:
    """Deal a population."""
    design = read(**said)
    assert not isinstance(design, Switchback)
    return assignment(design, population)


def switching(**said: object) -> Switchback:
    """A switchback of an hour per period over two weeks, unless something else is said."""
    written: dict[str, object] = {
        "design": "switchback", "key": "tried", "start": "2026-05-04T00:00", "zone": "Europe/Berlin",
        "period": "1h", "periods": 336, "burn_in": "10m",
    }  # fmt: skip
    design = read_design({**written, **said})
    assert isinstance(design, Switchback)
    return design
