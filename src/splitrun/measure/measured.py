"""What measurement hands on: moments over cells, units of every variant, and what was wrong with the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np

from splitrun.moments import FloatArray, IntArray, Moments

__all__ = [
    "CapOrigin",
    "Capping",
    "Cells",
    "ClusterSums",
    "Clusters",
    "Codes",
    "Column",
    "Dirt",
    "Erased",
    "Measured",
    "Quantiles",
    "SourceFacts",
    "Statement",
    "TextInNumber",
]


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """One dimension of the cells: the labels, and which of them each cell has."""

    labels: tuple[str, ...]
    code: IntArray
    """Index into labels, shape (cells,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The finest cube: every observed combination of variant, segment labels and phase."""

    variant: Codes
    """Labels are the plan's variants in the plan's order, control first."""
    segments: Mapping[str, Codes]
    """By segment key, in the plan's order."""
    phase: Codes
    units: IntArray
    """Units analysed in each cell, matured or not, shape (cells,)."""

    def by_variant(self) -> tuple[int, ...]:
        """Units analysed of each variant."""
        counted = np.bincount(self.variant.code, self.units, len(self.variant.labels))
        return tuple(int(each) for each in counted)


class CapOrigin(StrEnum):
    """Where a cap comes from."""

    WRITTEN = "written"
    BASELINE = "baseline"
    """A quantile over a window of the same length before exposure, blind to assignment."""
    EXPERIMENT = "experiment"
    """A quantile over all variants together, where there is nothing before exposure."""


@dataclass(frozen=True, slots=True, eq=False)
class Capping:
    """What a cap did to a metric; per-variant arrays have shape (variants,)."""

    at: tuple[float, ...]
    """The cap of each outcome column, infinity where it has none."""
    origin: CapOrigin
    capped: IntArray
    """Units whose value was cut down to it."""
    uncapped: Moments
    """The same moments without the cap."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One metric over the cells, and units it could not use; per-variant arrays have shape (variants,)."""

    moments: Moments
    """Columns: the outcome (two for a ratio: numerator, denominator), then the covariates."""
    immature: IntArray
    """Units whose window had not passed at `as_of`."""
    missing: IntArray
    """Mature units whose outcome is null, not finite or not a number: left out, never counted 0."""
    covariates: tuple[str, ...] = ()
    """Names of the columns after the outcome; `missing NAME` is 1 where NAME was not known and is 0 there."""
    zeros: IntArray | None = None
    """Units whose outcome is 0; None where nobody counted (sums made elsewhere)."""
    capping: Capping | None = None
    looks: IntArray | None = None
    """Units of all variants that had matured at each planned look up to `as_of`, shape (looks,)."""


@dataclass(frozen=True, slots=True, eq=False)
class ClusterSums:
    """One metric over clusters x cells, row by row as in `Clusters`."""

    units: FloatArray
    """Units with an outcome, shape (rows,)."""
    totals: FloatArray
    """Sums of the outcome columns, shape (rows, columns)."""
    squares: FloatArray
    """Sum of squares of the first outcome column, shape (rows,)."""
    moments: Moments | None = None
    """Over the units of every row, with the columns of `Column.moments`; None where nothing is adjusted."""
    uncapped: ClusterSums | None = None
    """The same without the cap; None without one."""


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """What was randomised or is alike together: a row for a cluster within each cell with its units."""

    code: IntArray
    """The cluster, numbered from 0, shape (rows,)."""
    cell: IntArray
    """Index into the cells, shape (rows,)."""
    sums: Mapping[str, ClusterSums]
    """By metric key; those of a quantile have (values up to it, all values), by each whole variant's own."""
    lost: int
    """Units without a cluster, left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantiles:
    """A quantile metric in every variant and level; arrays have shape (variants, levels), NaN where empty."""

    value: FloatArray
    """The sample quantile, type 1: the smallest value with at least the share `at` at or below it."""
    inside: tuple[Moments, ...]
    """By variant, over levels: the values at or below it and all values, per unit, or where the plan names a
    cluster, per cluster."""
    low: FloatArray
    """The value at the lower probability that inference asked for; NaN until it has."""
    high: FloatArray
    tied: FloatArray
    """Part of the values that equal the quantile."""
    alone: tuple[Moments, ...] | None = None
    """The same as `inside` over units, where that is over clusters."""
    across: FloatArray | None = None
    """Products of one variant's (inside, all) with another's, added up over clusters, shape (variants,
    variants, levels, 2, 2); None without clusters."""
    off: FloatArray | None = None
    """How far the quantile can lie from the sample's own at most, where it is read from a histogram; None
    where it is exact."""


@dataclass(frozen=True, slots=True)
class TextInNumber:
    """Cells of a numeric column that hold something else."""

    source: str
    column: str
    rows: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dirt:
    """What was wrong with the rows, counted; every count is in rows unless its name says units."""

    exposure_rows: int = 0
    no_unit: int = 0
    no_variant: int = 0
    unknown_variants: tuple[tuple[str, int], ...] = ()
    """Label as written in the data, rows."""
    no_time: int = 0
    """Exposure rows whose time is null or cannot be read."""
    duplicate_exposures: int = 0
    """Rows beyond the first of a unit in the same variant."""
    crossover_units: int = 0
    """Units seen in two or more variants."""
    crossovers_left_out: bool = False
    """True without `time:`, when nobody can say which variant came first."""
    zoneless: Mapping[str, int] = field(default_factory=dict)
    """By source: rows whose time names no zone, read in the plan's timezone."""
    zoned: Mapping[str, int] = field(default_factory=dict)
    """By source: rows whose time names its zone."""
    quarantined: Mapping[str, tuple[int, tuple[int, ...]]] = field(default_factory=dict)
    """By source: rows that could not be decoded or split into columns, and the first lines of them."""
    events_before: Mapping[str, int] = field(default_factory=dict)
    """By source: rows of exposed units before their exposure, not counted."""
    events_unexposed: Mapping[str, int] = field(default_factory=dict)
    """By source: rows of units that were never exposed, not counted."""
    strangers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By source of which no row belongs to an exposed unit: the form of an exposed unit's id and of a row's,
    with 9 for each digit and a for each letter."""
    events_no_time: Mapping[str, int] = field(default_factory=dict)
    """By source: rows without a readable time, not counted."""
    text_in_number: tuple[TextInNumber, ...] = ()
    not_finite: Mapping[str, int] = field(default_factory=dict)
    """By metric: rows whose value is NaN or infinite."""
    conflicting_units: Mapping[str, int] = field(default_factory=dict)
    """By what a unit's first rows disagree on, so that it is missing: a metric, `segments.KEY`,
    `exposures.phase`, `exposures.cluster`, `analysis.adjust.NAME`.
    """
    future_rows: Mapping[str, int] = field(default_factory=dict)
    """By source: rows later than the moment of reading, not counted."""
    late_rows: Mapping[str, int] = field(default_factory=dict)
    """By source: events of the lake that came in later than the plan waits for, not counted."""
    untriggered_units: int = 0
    """Exposed units left out because they never met the trigger."""
    logged: Mapping[str, int] = field(default_factory=dict)
    """Of exposures in the lake: units by why they were left out, and `linked`, which met several
    variants only because ids were joined."""


@dataclass(frozen=True, slots=True, eq=False)
class Erased:
    """Units of the experiment that are not counted because people asked for it, shape (variants,)."""

    units: IntArray
    """Erased: their rows are gone, and a certificate says so."""
    left_out: IntArray
    """Opted out, or about to be erased: their rows are there, and none is read."""
    since: tuple[int, int] | None = None
    """The former look that is read again, and how many units were erased since, of whatever experiment."""

    @property
    def all(self) -> IntArray:
        """All of them."""
        return self.units + self.left_out


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL that was run for a readout, and what it was for."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What was read, so that a reader can find it again."""

    name: str
    form: str
    """csv, parquet, table, query, frame, lake."""
    where: str
    rows: int
    digest: str | None
    """`sha256:` of the file's bytes; None where there is no file."""
    last: datetime | None = None
    """The latest moment of its rows, future ones left out; None without times."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Everything a readout knows of the data; effects are not yet read."""

    cells: Cells
    """The finest cube; see `within` for where there would be too many cells."""
    columns: Mapping[str, Column]
    """By metric key; quantile metrics have moments of (inside, all) over the units that they could use."""
    exposed: IntArray
    """Units first exposed per variant, before the trigger, shape (variants,)."""
    dirt: Dirt
    sources: tuple[SourceFacts, ...]
    sql: tuple[Statement, ...]
    as_of: datetime | None
    """The moment up to which the data speaks; None without times."""
    first_exposure: datetime | None
    last_exposure: datetime | None
    beyond: datetime | None = None
    """The moment that the data goes on to, where `as_of` is the planned end and later units are left out."""
    clusters: Clusters | None = None
    quantiles: Mapping[tuple[str, str | None], Quantiles] = field(default_factory=dict)
    """By metric and segment; None for all units."""
    within: Mapping[str, Measured] = field(default_factory=dict)
    """By segment, where all segments together would make too many cells: the same, cut by this one alone.
    `cells` and what belongs to them then know none of these segments; strata stay in all."""

    erased: Erased | None = None
    """None where nobody can tell: rows are not in the lake."""

    def labels(self, segment: str | None) -> tuple[str, ...]:
        """The labels of a segment's levels; one empty label for the whole."""
        if segment is None:
            return ("",)
        return self.within.get(segment, self).cells.segments[segment].labels

    def by_variant(
        self, metric: str, segment: str | None = None
    ) -> tuple[tuple[str, ...], tuple[Moments, ...]]:
        """Roll the cells of a metric up to variants, or to variants within the levels of a segment.

        Returns:
            The labels of the levels (one empty label for the whole), and for each variant in the plan's order
            its moments over those levels, shape (levels,).
        """
        if segment is not None and segment in self.within:
            return self.within[segment].by_variant(metric, segment)
        labels, group = self._groups(segment)
        variants, width = len(self.cells.variant.labels), len(labels)
        whole = self.columns[metric].moments.gathered(group, variants * width)
        return labels, tuple(whole.at(np.arange(width) + variant * width) for variant in range(variants))

    def units(self, segment: str | None = None) -> IntArray:
        """Units analysed, shape (variants, levels); one level where no segment is named."""
        if segment is not None and segment in self.within:
            return self.within[segment].units(segment)
        labels, group = self._groups(segment)
        variants, width = len(self.cells.variant.labels), len(labels)
        counts = np.bincount(group, weights=self.cells.units, minlength=variants * width)
        return counts.astype(np.int64).reshape(variants, width)

    def _groups(self, segment: str | None) -> tuple[tuple[str, ...], IntArray]:
        variant = self.cells.variant.code
        if segment is None:
            return ("",), variant
        levels = self.cells.segments[segment]
        return levels.labels, variant * len(levels.labels) + levels.code
