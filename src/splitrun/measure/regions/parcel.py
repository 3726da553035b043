"""What leaves a region: moments of the whole and of levels that may be shown, and no row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, FiniteFloat, NonNegativeInt

from splitrun.measure.measured import Capping, Column, Dirt, Measured
from splitrun.moments import FloatArray, IntArray, Moments

__all__ = ["FORM", "Cap", "Level", "Numbers", "Outcome", "Parcel", "Read", "parcel", "phases"]

FORM = "splitrun.moments/1"
"""Rises when a field goes or changes its meaning."""

Hidden = Callable[[str, str, str], bool]
"""Whether a count of a kind (a metric, or `""` for units) is hidden in a segment's level."""

COUNTS = tuple(one.name for one in fields(Dirt) if one.type == "int")
"""What was wrong with the rows, as far as it is a number of all rows or units."""


class Part(BaseModel):
    """A part of a parcel; nothing unknown is taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Numbers(Part):
    """Moments by variant."""

    n: tuple[FiniteFloat, ...]
    mean: tuple[tuple[FiniteFloat, ...], ...]
    m2: tuple[tuple[tuple[FiniteFloat, ...], ...], ...]
    m3: tuple[FiniteFloat, ...] | None = None
    mixed: tuple[tuple[FiniteFloat, ...], ...] | None = None

    @property
    def moments(self) -> Moments:
        """The moments, a cell for each variant."""
        return Moments(
            n=np.array(self.n, dtype=np.float64),
            mean=np.array(self.mean, dtype=np.float64),
            m2=np.array(self.m2, dtype=np.float64),
            m3=None if self.m3 is None else np.array(self.m3, dtype=np.float64),
            mixed=None if self.mixed is None else np.array(self.mixed, dtype=np.float64),
        )


class Cap(Part):
    """What a cap that the plan writes did to a metric."""

    at: tuple[FiniteFloat | None, ...]
    """None for a part of a ratio without one."""
    capped: tuple[NonNegativeInt, ...]
    uncapped: Numbers


class Outcome(Part):
    """One metric over all units of the region."""

    covariates: tuple[str, ...]
    immature: tuple[NonNegativeInt, ...]
    missing: tuple[NonNegativeInt, ...]
    zeros: tuple[NonNegativeInt, ...] | None
    cap: Cap | None
    moments: Numbers


class Level(Part):
    """One level of a segment that may be shown."""

    units: tuple[NonNegativeInt, ...]
    metrics: Mapping[str, Numbers | None]
    """None where fewer units have an outcome than may be shown, or where it would give another level away."""


class Read(Part):
    """What was read at home."""

    name: str
    form: str
    rows: NonNegativeInt


class Parcel(Part):
    """Everything that leaves a region."""

    form: Literal["splitrun.moments/1"] = "splitrun.moments/1"
    region: str
    experiment: str
    plan: str
    """Digest of the sealed plan that it was measured by."""
    made_at: datetime
    as_of: datetime | None
    phase: str
    """The one phase of the ramp in which its units came; empty where exposures tell none."""
    first_exposure: datetime | None
    last_exposure: datetime | None
    min_cell: int
    """Units that a variant has in every level that is told."""
    variants: tuple[str, ...]
    exposed: tuple[NonNegativeInt, ...]
    units: tuple[NonNegativeInt, ...]
    metrics: Mapping[str, Outcome]
    segments: Mapping[str, Mapping[str, Level | None]]
    """By segment and level; None where the level is withheld."""
    dirt: Mapping[str, NonNegativeInt]
    read: tuple[Read, ...]


def parcel(
    measured: Measured,
    named: tuple[str, str, str],
    at: datetime,
    hides: Hidden,
    *,
    segments: tuple[str, ...],
    least: int,
) -> Parcel:
    """Pack what may leave.

    Args:
        measured: What the region's data holds.
        named: The region, the experiment, and the digest of its sealed plan.
        at: The moment of measuring.
        hides: What may not leave.
        segments: Keys of the plan's segments.
        least: Units that a level must have in every variant to leave.
    """
    region, experiment, plan = named
    return Parcel(
        region=region,
        experiment=experiment,
        plan=plan,
        made_at=at,
        as_of=measured.as_of,
        phase=phases(measured)[0],
        first_exposure=measured.first_exposure,
        last_exposure=measured.last_exposure,
        min_cell=least,
        variants=measured.cells.variant.labels,
        exposed=whole(measured.exposed),
        units=whole(measured.units()[:, 0]),
        metrics={key: outcome(measured, key, column) for key, column in measured.columns.items()},
        segments={segment: levels(measured, segment, hides) for segment in segments},
        dirt={name: getattr(measured.dirt, name) for name in COUNTS},
        read=tuple(Read(name=one.name, form=one.form, rows=one.rows) for one in measured.sources),
    )


def phases(measured: Measured) -> tuple[str, ...]:
    """The phases in which units came; one that is empty where exposures tell none."""
    phase = measured.cells.phase
    return tuple(phase.labels[code] for code in np.unique(phase.code)) or ("",)


def outcome(measured: Measured, key: str, column: Column) -> Outcome:
    """One metric over all units."""
    _, parts = measured.by_variant(key)
    return Outcome(
        covariates=column.covariates,
        immature=whole(column.immature),
        missing=whole(column.missing),
        zeros=None if column.zeros is None else whole(column.zeros),
        cap=None if column.capping is None else cap(measured, column.capping),
        moments=numbers(Moments.stacked(parts)),
    )


def cap(measured: Measured, capping: Capping) -> Cap:
    """What a cap did, by variant."""
    code, variants = measured.cells.variant.code, len(measured.cells.variant.labels)
    return Cap(
        at=tuple(float(at) if np.isfinite(at) else None for at in capping.at),
        capped=whole(capping.capped),
        uncapped=numbers(capping.uncapped.gathered(code, variants)),
    )


def levels(measured: Measured, segment: str, hides: Hidden) -> dict[str, Level | None]:
    """The levels of a segment, by name: their order would tell their sizes."""
    counts, labels = measured.units(segment), measured.labels(segment)
    parts = {key: measured.by_variant(key, segment)[1] for key in measured.columns}
    found: dict[str, Level | None] = {}
    for label, place in sorted((label, place) for place, label in enumerate(labels)):
        mine = np.array([place])
        found[label] = (
            None
            if hides("", segment, label)
            else Level(
                units=whole(counts[:, place]),
                metrics={
                    key: None
                    if hides(key, segment, label)
                    else numbers(Moments.stacked([part.at(mine) for part in each]))
                    for key, each in parts.items()
                },
            )
        )
    return found


def numbers(moments: Moments) -> Numbers:
    """Moments as they are written; doubles are written so that they are read back to the bit."""
    return Numbers(
        n=floats(moments.n),
        mean=tuple(floats(row) for row in moments.mean),
        m2=tuple(tuple(floats(row) for row in cell) for cell in moments.m2),
        m3=None if moments.m3 is None else floats(moments.m3),
        mixed=None if moments.mixed is None else tuple(floats(row) for row in moments.mixed),
    )


def floats(values: FloatArray) -> tuple[float, ...]:
    """Numbers of Python."""
    return tuple(float(value) for value in values)


def whole(values: IntArray) -> tuple[int, ...]:
    """Whole numbers of Python."""
    return tuple(int(value) for value in values)
