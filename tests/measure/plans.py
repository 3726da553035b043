"""Plans as small as tests need them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measured import Measured
from splitrun.measure.measurement import measure
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Adjust, Expectation, Hypothesis, Method, Multiplicity, Trigger
from splitrun.spec.metric import Count, Mean, Metric, Ratio, Share, Total
from splitrun.spec.model import Direction, Role
from splitrun.spec.plan import Analysis, Plan, PlannedMetric, PlannedSegment, PlannedSource, PlannedVariant
from splitrun.spec.segment import Segment
from splitrun.spec.source import Exposures, MomentsTable, Source

UP = Direction.HIGHER
WEEK = timedelta(days=7)


def share(where: str | None = None, *, source: str = "exposures", window: timedelta | None = None) -> Share:
    return Share(kind="share", source=source, where=where, window=window, better=UP)


def mean(
    value: str | None = None,
    where: str | None = None,
    *,
    source: str = "exposures",
    window: timedelta | None = None,
) -> Mean:
    return Mean(kind="mean", source=source, value=value, where=where, window=window, better=UP)


def ratio(over: str, under: str | None = None, *, source: str = "exposures") -> Ratio:
    below = (
        Count(source=source, count="rows") if under is None else Total(source=source, value=under, where=None)
    )
    return Ratio(kind="ratio", over=Total(source=source, value=over, where=None), under=below, better=UP)


def plan(  # noqa: PLR0913  # a plan has many parts, and most tests name two
    metrics: Mapping[str, Metric],
    exposures: Exposures | None = None,
    *,
    sources: Mapping[str, Source] | None = None,
    segments: Mapping[str, Segment] | None = None,
    trigger: Trigger | None = None,
    moments: MomentsTable | None = None,
    variants: tuple[str, ...] = ("control", "treatment"),
    timezone: str = "UTC",
    adjust: Adjust | None = None,
    looks: tuple[timedelta, ...] = (),
) -> Plan:
    return Plan(
        key="trial",
        owner=None,
        unit="user",
        hypothesis=Hypothesis(
            change="one",
            because="another",
            expect=Expectation(metric="m", direction=UP, mei=Size(value=0.01, relative=True)),
        ),
        exposures=exposures,
        moments=moments,
        trigger=trigger,
        variants=tuple(PlannedVariant(key=key, weight=1) for key in variants),
        weights_known=True,
        sources=tuple(PlannedSource(key=key, source=source) for key, source in (sources or {}).items()),
        metrics=tuple(
            PlannedMetric(key=key, role=Role.SECONDARY, metric=metric) for key, metric in metrics.items()
        ),
        segments=tuple(PlannedSegment(key=key, segment=segment) for key, segment in (segments or {}).items()),
        analysis=Analysis(
            method=Method.FIXED,
            alpha=0.05,
            power=0.8,
            multiplicity=Multiplicity.NONE,
            adjust=adjust,
            looks=looks,
        ),
        duration=None,
        timezone=timezone,
        assumptions=(),
    )


def exposures(csv: str = "exposures.csv", *, time: str | None = None, phase: str | None = None) -> Exposures:
    return Exposures(csv=csv, unit="user", variant="variant", time=time, phase=phase)


def over(folder: Path, planned: Plan, **files: str) -> Measured:
    """Measure a plan over CSV files of these texts."""
    for name, text in files.items():
        (folder / f"{name}.csv").write_bytes(text.encode())
    with DuckDB(roots=[folder]) as engine:
        return measure(planned, engine)


def framed(planned: Plan, **frames: object) -> Measured:
    """Measure a plan over data frames."""
    with DuckDB(frames=frames) as engine:
        return measure(planned, engine)


def means(measured: Measured, metric: str) -> list[list[float]]:
    """Units and mean of a metric's first column, per variant."""
    return [[float(part.n[0]), float(part.mean[0, 0])] for part in measured.by_variant(metric)[1]]
