"""The grid: every method in every world under every split, how large each is, and its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calibrate.alike import of_clusters, of_events, within_clusters
from calibrate.beside import ALIKE, nested_beside, within_beside
from calibrate.crowds import CROWDS
from calibrate.figures import Part, Row
from calibrate.lopsided import LOPSIDED, PLACES, lopsided
from calibrate.often import BESIDE, DAYS, FUTILE, HYBRID, SPENDINGS, always, grouped
from calibrate.once import MARGINS, RATIO, once, trial
from calibrate.quantiles import EVENTS
from calibrate.worlds import WORLDS

__all__ = ["FULL", "LOPSIDED", "METHODS", "SAMPLE", "SEEDS", "SPLITS", "Scale", "calibrated", "uneven"]

SEEDS = (20260101, 20260102)
"""The second is for rows that were out of a band with the first."""
SPLITS = {"50/50": 0.5, "90/10": 0.1, "98/2": 0.02}
"""Treatment's share of the two variants' units."""
METHODS = (
    "fixed difference",
    RATIO,
    "lift (Fieller)",
    *MARGINS,
    "adjusted (Lin, one covariate)",
    "post-stratified (three strata)",
    "clusters of one variant",
    "clusters of both variants (CR2)",
    "clusters of one variant, adjusted",
    "clusters of both variants, adjusted (CR2)",
    "quantile of events",
    *SPENDINGS,
    FUTILE,
    "always-valid",
    BESIDE,
    HYBRID,
    "Bonferroni, three treatments",
    "Holm, three treatments",
    "Benjamini-Hochberg, three treatments",
    "Benjamini-Yekutieli, three treatments",
    "Dunnett, three treatments",
)
Sizes = dict[str, tuple[int, int]]


def sizes(treatment: tuple[int, int, int]) -> Sizes:
    """Units of control and treatment by split, from treatment's."""
    return {
        split: (round(own * (1 - share) / share), own)
        for own, (split, share) in zip(treatment, SPLITS.items(), strict=True)
    }


DAILY: dict[str, Sizes] = {
    "normal": sizes((36, 12, 12)),
    "rare share": sizes((4000, 6000, 6000)),
    "skewed": sizes((400, 1200, 200)),
    "capped": sizes((400, 600, 750)),
    "ratio": sizes((36, 24, 32)),
    "clustered": sizes((36, 12, 12)),
}
"""Units of control and treatment that come on each of 28 days."""
BY_LOOK: dict[str, Sizes] = {
    "normal": sizes((10, 4, 4)),
    "rare share": sizes((100, 100, 200)),
    "skewed": sizes((50, 100, 40)),
    "capped": sizes((50, 50, 50)),
    "ratio": sizes((10, 4, 4)),
    "clustered": sizes((10, 4, 4)),
}
"""Units of control and treatment between two always-valid looks."""
CLUSTERS = sizes((60, 60, 60))
"""Clusters of one variant each; of those that hold both there are 60."""
READERS = sizes((300, 300, 100))
"""Units whose events a quantile is taken of."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is simulated."""

    runs: int
    paths: int
    looks: int
    places: tuple[tuple[str, str], ...] = tuple((world, split) for world in WORLDS for split in SPLITS)
    """Worlds with their splits."""
    sizes: tuple[tuple[str, str], ...] = PLACES
    """How uneven clusters are, with how many there are."""


FULL = Scale(runs=10_000, paths=2_000, looks=500)
SAMPLE = Scale(
    runs=1_000,
    paths=200,
    looks=500,
    places=(
        *((world, "50/50") for world in WORLDS),
        *((world, "90/10") for world in ("normal", "rare share", "ratio", "clustered")),
    ),
    sizes=(("log-sd 1", "20"),),
)
"""What continuous integration repeats."""

Group = Callable[[np.random.Generator, Scale, str, str], list[Part]]


def on_units(rng: np.random.Generator, scale: Scale, world: str, split: str) -> list[Part]:
    """Methods on units, read once or by plan, all on the same experiments."""
    run = trial(rng, WORLDS[world], scale.runs, DAILY[world][split], DAYS)
    return [*once(run), *grouped(run)]


def on_paths(rng: np.random.Generator, scale: Scale, world: str, split: str) -> list[Part]:
    """Always-valid intervals."""
    return always(rng, WORLDS[world], scale.paths, scale.looks, BY_LOOK[world][split])


def on_clusters(rng: np.random.Generator, scale: Scale, world: str, split: str) -> list[Part]:
    """Clusters of one variant and of both."""
    crowd = CROWDS[world]
    return [
        of_clusters(rng, crowd, scale.runs, CLUSTERS[split]),
        within_clusters(rng, crowd, scale.runs, CLUSTERS["50/50"][1], SPLITS[split]),
    ]


def on_events(rng: np.random.Generator, scale: Scale, world: str, split: str) -> list[Part]:
    """Quantiles of events; a share of zeros and ones has none."""
    return [of_events(rng, EVENTS[world], scale.runs, READERS[split])] if world in EVENTS else []


def beside_clusters(rng: np.random.Generator, scale: Scale, world: str, split: str) -> list[Part]:
    """Clusters of one variant and of both, with a covariate; drawn for worlds of normal values only."""
    if world not in ALIKE:
        return []
    place = world, CROWDS[world]
    return [
        nested_beside(rng, place, scale.runs, CLUSTERS[split]),
        within_beside(rng, place, scale.runs, CLUSTERS["50/50"][1], SPLITS[split]),
    ]


GROUPS: tuple[Group, ...] = (on_units, on_paths, on_clusters, on_events, beside_clusters)


def calibrated(scale: Scale, place: tuple[str, str]) -> list[Row]:
    """Simulate one world under one split; a row out of a band is simulated again with the second seed.

    Args:
        scale: How much to simulate.
        place: World and split.

    Returns:
        One row for each method, in the order of `METHODS`.
    """
    found = [row for group in range(len(GROUPS)) for row in simulated(scale, group, *place)]
    by_method = {row.method: row for row in found}
    return [by_method.get(method, Row(method, *place, None, SEEDS[0])) for method in METHODS]


def uneven(scale: Scale, place: tuple[str, str]) -> list[Row]:
    """Simulate clusters of log-normal sizes; a row out of a band is simulated again with the second seed.

    Args:
        scale: How much to simulate.
        place: How uneven they are, and how many.

    Returns:
        One row for each method, in the order of `LOPSIDED`.
    """

    def parts(seed: int) -> list[Part]:
        rng = np.random.default_rng([seed, len(GROUPS), PLACES.index(place)])
        return lopsided(rng, scale.runs, place)

    return twice(parts, place)


def simulated(scale: Scale, group: int, world: str, split: str) -> list[Row]:
    """The rows of one group of methods in one world under one split."""

    def parts(seed: int) -> list[Part]:
        places = (list(WORLDS).index(world), list(SPLITS).index(split))
        return GROUPS[group](np.random.default_rng([seed, group, *places]), scale, world, split)

    return twice(parts, (world, split))


def twice(parts: Callable[[int], list[Part]], place: tuple[str, str]) -> list[Row]:
    """Rows with the first seed, and with the second where one was out of a band."""
    rows = [Row(part.method, *place, part, SEEDS[0]) for part in parts(SEEDS[0])]
    if not any(row.suspect for row in rows):
        return rows
    second = {part.method: part for part in parts(SEEDS[1])}
    return [replace(row, again=second[row.method]) if row.suspect else row for row in rows]
