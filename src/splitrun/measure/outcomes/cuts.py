"""One cube cut by all segments, or, where that has too many cells, one for each segment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from splitrun.errors import EngineError
from splitrun.measure.measured import Cells, Column
from splitrun.measure.outcomes.cube import MOST, Cube, cubed
from splitrun.measure.sql import Work

__all__ = ["Cut", "cuts"]


@dataclass(frozen=True, slots=True)
class Cut:
    """A cube and what is in its cells."""

    segment: str | None
    """The one segment that it is made for; None for the one that answers for everything else."""
    cube: Cube
    cells: Cells
    columns: Mapping[str, Column]


def cuts(work: Work, cube: Cube) -> list[Cut]:
    """Reduce units to cells of the finest cube, or else of one cube for each segment besides the strata.

    Raises:
        EngineError: The strata with a single segment make too many cells already.
        DataError: A metric has a window and the exposures have no time.
    """
    finest = cubed(work, cube)
    if finest is not None:
        return [Cut(None, cube, *finest)]
    adjust = cube.numbers.plan.analysis.adjust
    strata = () if adjust is None else adjust.strata
    single = [key for key in cube.levels if key not in strata]
    return [
        _one(work, cube, strata, None, "_strata"),
        *(_one(work, cube, {*strata, key}, key, f"_{place}") for place, key in enumerate(single)),
    ]


def _one(work: Work, cube: Cube, kept: Collection[str], segment: str | None, name: str) -> Cut:
    levels = {key: each for key, each in cube.levels.items() if key in kept}
    coarser = replace(cube, levels=levels, name=name)
    found = cubed(work, coarser)
    if found is None:
        raise EngineError(
            f"{', '.join(levels) or 'the phases'} cut the units into more than {MOST:,} cells; "
            "name fewer strata, `keep` fewer levels of the segments or leave the phase out"
        )
    return Cut(segment, coarser, *found)
