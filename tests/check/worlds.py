"""Small worlds for checks, verdicts and reports: a plan, and what is measured of given values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from splitrun.check.evidence import Evidence
from splitrun.measure.measured import Cells, Codes, Column, Dirt, Measured, SourceFacts, Statement
from splitrun.moments import IntArray, Moments
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Expectation, Hypothesis, Method, Mode, Multiplicity, OnBreach
from splitrun.spec.metric import Count, Mean, Metric, Ratio, Share, Total
from splitrun.spec.model import Direction, Role
from splitrun.spec.plan import Analysis, Margin, Plan, PlannedMetric, PlannedSegment, PlannedVariant
from splitrun.spec.segment import Segment
from splitrun.spec.source import Exposures

__all__ = [
    "NO_DIRT",
    "SHARE",
    "column",
    "evidence",
    "guardrail",
    "measured",
    "moments",
    "plan",
    "primary",
    "ratio",
    "secondary",
    "started",
    "two_shares",
]

Values = npt.NDArray[np.float64]
NO_DIRT = Dirt()
START = datetime(2026, 11, 2, 9, tzinfo=UTC)
"""A Monday."""
HYPOTHESIS = Hypothesis(
    change="a voucher for fetching the result",
    because="the walk is far",
    expect=Expectation(metric="fetched", direction=Direction.HIGHER, mei=Size(value=0.05, relative=False)),
)
SHARE = Share(kind="share", source="exposures", where="got = 1", better=Direction.HIGHER)


def primary(
    key: str = "fetched", *, metric: Metric = SHARE, mei: Size | None = None, weight: int = 1
) -> PlannedMetric:
    return PlannedMetric(key=key, role=Role.PRIMARY, metric=metric, mei=mei, weight=weight)


def secondary(key: str, *, better: Direction = Direction.HIGHER) -> PlannedMetric:
    metric = Mean(kind="mean", source="exposures", value="v", better=better)
    return PlannedMetric(key=key, role=Role.SECONDARY, metric=metric)


def guardrail(
    key: str, size: Size, *, better: Direction = Direction.LOWER, mode: Mode = Mode.PROVE
) -> PlannedMetric:
    return PlannedMetric(
        key=key,
        role=Role.GUARDRAIL,
        metric=Mean(kind="mean", source="exposures", value="v", better=better),
        guardrail=Margin(margin=size, mode=mode, on_breach=OnBreach.ROLLBACK),
    )


def ratio(key: str) -> PlannedMetric:
    metric = Ratio(
        kind="ratio",
        over=Total(source="events", value="amount"),
        under=Count(source="events", count="rows"),
        better=Direction.HIGHER,
    )
    return PlannedMetric(key=key, role=Role.PRIMARY, metric=metric)


def plan(
    metrics: Sequence[PlannedMetric] = (primary(),),
    *,
    weights: Mapping[str, int] | None = None,
    segments: Sequence[str] = (),
    multiplicity: Multiplicity = Multiplicity.BONFERRONI,
    **rules: object,
) -> Plan:
    """Build a plan with known weights, times and no dirt to expect; `rules` are those of its analysis."""
    shares = {"control": 1, "voucher": 1} if weights is None else weights
    return Plan(
        key="incentive",
        owner=None,
        unit="person",
        hypothesis=HYPOTHESIS,
        exposures=Exposures(csv="hiv.csv", unit="row", variant="any", time="at"),
        moments=None,
        trigger=None,
        variants=tuple(PlannedVariant(key=key, weight=weight) for key, weight in shares.items()),
        weights_known=True,
        sources=(),
        metrics=tuple(metrics),
        segments=tuple(PlannedSegment(key=key, segment=Segment(values=key)) for key in segments),
        analysis=Analysis(method=Method.FIXED, alpha=0.05, power=0.8, multiplicity=multiplicity).model_copy(
            update=rules
        ),
        duration=None,
        timezone="Europe/Berlin",
        assumptions=(),
    )


@np.errstate(over="ignore", invalid="ignore")
def moments(cells: Sequence[Values]) -> Moments:
    """Moments of raw values, one array per cell: shape (units,) or (units, columns)."""
    tables = [cell[:, None] if cell.ndim == 1 else cell for cell in cells]
    return Moments(
        n=np.array([float(len(table)) for table in tables]),
        mean=np.array([table.mean(axis=0) if len(table) else np.zeros(table.shape[1]) for table in tables]),
        m2=np.array(
            [
                (table - table.mean(axis=0)).T @ (table - table.mean(axis=0))
                if len(table)
                else np.zeros((table.shape[1],) * 2)
                for table in tables
            ]
        ),
        m3=np.array(
            [np.sum((table[:, 0] - table[:, 0].mean()) ** 3) if len(table) else 0.0 for table in tables]
        ),
    )


def column(cells: Sequence[Values], variants: int) -> Column:
    none = np.zeros(variants, dtype=np.int64)
    return Column(moments=moments(cells), immature=none, missing=none)


def measured(
    metrics: Mapping[str, Sequence[Values]],
    *,
    variants: Sequence[str] = ("control", "voucher"),
    segment: str | None = None,
    levels: Sequence[str] = ("",),
    dirt: Dirt = NO_DIRT,
) -> Measured:
    """What would be measured of these values: per metric one array per variant, or per variant and level."""
    width = len(levels)
    units = np.max([[len(cell) for cell in cells] for cells in metrics.values()], axis=0).astype(np.int64)
    variant = np.repeat(np.arange(len(variants)), width)
    cut = {} if segment is None else {segment: Codes(tuple(levels), np.tile(np.arange(width), len(variants)))}
    return Measured(
        cells=Cells(
            variant=Codes(tuple(variants), variant),
            segments=cut,
            phase=Codes(("",), np.zeros(len(variant), dtype=np.int64)),
            units=units,
        ),
        columns={key: column(cells, len(variants)) for key, cells in metrics.items()},
        exposed=units.reshape(len(variants), width).sum(axis=1),
        dirt=dirt,
        sources=(SourceFacts("exposures", "csv", "hiv.csv", int(units.sum()), "sha256:00"),),
        sql=(Statement("units", "select 1"),),
        as_of=None,
        first_exposure=None,
        last_exposure=None,
    )


def two_shares(control: tuple[int, int], voucher: tuple[int, int]) -> Measured:
    """A share's values with so many (conversions, units) in two variants."""
    return measured({"fetched": [ones(*control), ones(*voucher)]})


def started(world: Measured, *, days: float, looks: Sequence[int] | None = None) -> Measured:
    """The same world, its first unit exposed so many days before the moment up to which the data speaks."""
    counted = None if looks is None else np.array(looks, dtype=np.int64)
    return replace(
        world,
        first_exposure=START,
        as_of=START + timedelta(days=days),
        columns={key: replace(column, looks=counted) for key, column in world.columns.items()},
    )


def ones(conversions: int, units: int) -> Values:
    return np.repeat([1.0, 0.0], [conversions, units - conversions])


def evidence(
    *,
    dirt: Dirt = NO_DIRT,
    exposed: IntArray | None = None,
    missing: tuple[int, int] = (0, 0),
    immature: tuple[int, int] = (0, 0),
    of: Plan | None = None,
) -> Evidence:
    """A healthy world of 500 units in each variant, and whatever is changed in it."""
    healthy = two_shares((200, 500), (250, 500))
    changed = replace(healthy.columns["fetched"], missing=np.array(missing), immature=np.array(immature))
    world = replace(
        healthy,
        dirt=dirt,
        columns={"fetched": changed},
        exposed=healthy.exposed if exposed is None else exposed,
    )
    return Evidence(plan() if of is None else of, world)
