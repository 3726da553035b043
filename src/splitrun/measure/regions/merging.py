"""Parcels of several regions as if their rows had been read together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf

import numpy as np

from splitrun.measure.measured import (
    CapOrigin,
    Capping,
    Cells,
    Codes,
    Column,
    Dirt,
    Measured,
    SourceFacts,
)
from splitrun.measure.regions.parcel import Level, Outcome, Parcel
from splitrun.moments import IntArray, Moments

__all__ = ["Withheld", "merged", "withheld"]

Withheld = Mapping[str, frozenset[tuple[str, str]]]
"""By metric, and under `""` for units: segments and levels that a region withheld."""


def merged(parcels: Sequence[Parcel], digests: Sequence[str]) -> Measured:
    """Add the moments of disjoint units up (Chan et al. 1979); what all have alike is as in the first.

    Args:
        parcels: One for each region; `conduct` has seen that they fit.
        digests: Of their files.

    Returns:
        A level that a region withheld holds the units of the others alone, and may not be shown.
    """
    variants = parcels[0].variants
    cells = Cells(
        variant=Codes(variants, np.tile(np.arange(len(variants)), len(parcels))),
        segments={},
        phase=Codes(("",), np.zeros(len(variants) * len(parcels), dtype=np.int64)),
        units=np.array([count for one in parcels for count in one.units], dtype=np.int64),
    )
    whole = Measured(
        cells=cells,
        columns={key: column([one.metrics[key] for one in parcels]) for key in parcels[0].metrics},
        exposed=added(one.exposed for one in parcels),
        dirt=dirt(parcels),
        sources=tuple(
            SourceFacts(f"region {one.region}", "moments", one.region, sum(r.rows for r in one.read), digest)
            for one, digest in zip(parcels, digests, strict=True)
        ),
        sql=(),
        as_of=parcels[0].as_of,
        first_exposure=min((one.first_exposure for one in parcels if one.first_exposure), default=None),
        last_exposure=max((one.last_exposure for one in parcels if one.last_exposure), default=None),
    )
    within = {segment: cut(whole, parcels, segment) for segment in parcels[0].segments}
    return replace(whole, within=within)


def withheld(parcels: Sequence[Parcel]) -> Withheld:
    """What some region withheld."""
    levels = [
        (segment, label, level)
        for one in parcels
        for segment, told in one.segments.items()
        for label, level in told.items()
    ]
    return {
        kind: frozenset(
            (segment, label)
            for segment, label, level in levels
            if level is None or (kind and level.metrics[kind] is None)
        )
        for kind in ("", *parcels[0].metrics)
    }


def column(outcomes: Sequence[Outcome]) -> Column:
    """One metric over the variants of every region, region by region."""
    zeros = [one.zeros for one in outcomes if one.zeros is not None]
    return Column(
        moments=Moments.stacked([one.moments.moments for one in outcomes]),
        immature=added(one.immature for one in outcomes),
        missing=added(one.missing for one in outcomes),
        covariates=outcomes[0].covariates,
        zeros=added(zeros) if len(zeros) == len(outcomes) else None,
        capping=capping(outcomes),
    )


def capping(outcomes: Sequence[Outcome]) -> Capping | None:
    """What a written cap did in all regions together."""
    caps = [one.cap for one in outcomes if one.cap is not None]
    if not caps:
        return None
    return Capping(
        at=tuple(inf if at is None else at for at in caps[0].at),
        origin=CapOrigin.WRITTEN,
        capped=added(one.capped for one in caps),
        uncapped=Moments.stacked([one.uncapped.moments for one in caps]),
    )


def cut(whole: Measured, parcels: Sequence[Parcel], segment: str) -> Measured:
    """The same by the levels of one segment."""
    labels = tuple(dict.fromkeys(label for one in parcels for label in one.segments[segment]))
    told = [
        (labels.index(label), level)
        for one in parcels
        for label, level in one.segments[segment].items()
        if level is not None
    ]
    variants = len(whole.cells.variant.labels)
    code = np.repeat(np.array([place for place, _ in told], dtype=np.int64), variants)
    cells = Cells(
        variant=Codes(whole.cells.variant.labels, np.tile(np.arange(variants), len(told))),
        segments={segment: Codes(labels, code)},
        phase=Codes(("",), np.zeros(len(code), dtype=np.int64)),
        units=np.array([count for _, level in told for count in level.units], dtype=np.int64),
    )
    columns = {
        key: Column(
            moments=Moments.stacked(list(by_level(found, key, [level for _, level in told]))),
            immature=found.immature,
            missing=found.missing,
            covariates=found.covariates,
        )
        for key, found in whole.columns.items()
    }
    return replace(whole, cells=cells, columns=columns)


def by_level(found: Column, key: str, levels: Sequence[Level]) -> Iterator[Moments]:
    """A metric's moments by level; one that was withheld holds no unit. One of nobody stands at the end."""
    nobody = found.moments.gathered(np.zeros(len(found.moments.n), dtype=np.int64), 2).at(np.array([1]))
    for level in levels:
        numbers = level.metrics[key]
        if numbers is not None:
            yield numbers.moments
            continue
        yield nobody.at(np.zeros(len(level.units), dtype=np.int64))
    yield nobody.at(np.zeros(0, dtype=np.int64))


def dirt(parcels: Sequence[Parcel]) -> Dirt:
    """What was wrong with the rows of all of them, as far as it is counted over all rows."""

    def total(name: str) -> int:
        return sum(one.dirt.get(name, 0) for one in parcels)

    return Dirt(
        exposure_rows=total("exposure_rows"),
        no_unit=total("no_unit"),
        no_variant=total("no_variant"),
        no_time=total("no_time"),
        duplicate_exposures=total("duplicate_exposures"),
        crossover_units=total("crossover_units"),
        untriggered_units=total("untriggered_units"),
    )


def added(counts: Iterable[Sequence[int]]) -> IntArray:
    """Counts by variant, added up."""
    return np.asarray(np.array(list(counts), dtype=np.int64).sum(axis=0))
