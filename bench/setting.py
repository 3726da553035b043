"""What is measured: the files, the ten metrics, the plan, and the same from a ready table of units."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb

from splitrun.spec.amount import Size
from splitrun.spec.analysis import Adjust, Expectation, Hypothesis, Method, Multiplicity
from splitrun.spec.metric import Count, Mean, Metric, Ratio, Share, Total
from splitrun.spec.model import Direction, Role
from splitrun.spec.plan import Analysis, Plan, PlannedMetric, PlannedSegment, PlannedSource, PlannedVariant
from splitrun.spec.segment import Segment
from splitrun.spec.source import EXPOSURES, Exposures, Source

__all__ = ["COLUMNS", "DATA", "LAYOUTS", "RATIOS", "SEGMENTS", "events_plan", "files", "units_plan"]

DATA = Path(__file__).parent / "data"
SEGMENTS = ("country", "channel", "plan", "device", "loyal")
"""Of 10, 6, 4, 3 and 2 levels: with the whole 26 groups."""
UP = Direction.HIGHER
DAYS = 28

COLUMNS = {
    "purchased": "least(p7, 1)",
    "carted": "least(c7, 1)",
    "searched": "least(s7, 1)",
    "failed": "least(e7, 1)",
    "revenue": "v_p7",
    "revenue14": "v_p14",
    "views": "v7",
    "big": "b14",
}
"""Of the metrics with one column: what a ready table of units holds, said with the columns of `by_hand`."""
SHARES = ("purchased", "carted", "searched", "failed")
"""Of them those that are 0 or 1."""
RATIOS = {"order_value": ("v_p7", "p7"), "cart_value": ("v_c7", "c7")}


LAYOUTS = {"clustered": "events/*.parquet", "by day": "events.parquet"}
"""A file for each day, sorted by unit within it, as the lake keeps events; one file in the order of time."""
BEGUN = "TIMESTAMPTZ '2026-01-01 00:00:00Z'"


def files(units: int, events: int) -> Path:
    """Make the files, unless they are there: units and their events over 28 days, in both layouts.

    A hash is taken of i * 16 + k and not of (i, k): the second leaves the low bits of two columns alike.
    """
    folder = DATA / f"{units}-{events}"
    if (folder / "events.parquet").exists():
        return folder
    (folder / "events").mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(
            f"""COPY (SELECT (hash(i) >> 2)::BIGINT AS unit,
            if(hash(i * 16 + 1) % 2 = 0, 'control', 'treatment') AS variant,
            {BEGUN} + to_seconds((hash(i * 16 + 2) % {14 * 86400})::BIGINT) AS moment,
            'c' || hash(i * 16 + 3) % 10 AS country, 'd' || hash(i * 16 + 4) % 3 AS device,
            'p' || hash(i * 16 + 5) % 4 AS plan, 'h' || hash(i * 16 + 6) % 6 AS channel,
            'r' || hash(i * 16 + 7) % 2 AS loyal
            FROM range({units}) t(i)) TO '{folder / "exposures.parquet"}'"""  # noqa: S608  # whole numbers and our own folder
        )
        connection.execute(
            f"""CREATE TABLE made AS SELECT (hash((hash(i * 16 + 8) % {units})::BIGINT) >> 2)::BIGINT AS unit,
            {BEGUN} + to_microseconds(((i / {events} + (hash(i * 16 + 9) % 1000) / 28000)
            * {DAYS * 86400} * 1000000)::BIGINT) AS moment,
            ['view', 'cart', 'purchase', 'search', 'error'][(hash(i * 16 + 10) % 5 + 1)::INT] AS name,
            (hash(i * 16 + 11) % 100000) / 1000.0 + 0.001 AS value
            FROM range({events}) t(i)"""  # noqa: S608  # whole numbers
        )
        for day in range(DAYS + 1):
            connection.execute(
                f"""COPY (SELECT * FROM made WHERE moment >= {BEGUN} + to_days({day})
                AND moment < {BEGUN} + to_days({day + 1}) ORDER BY unit, moment)
                TO '{folder / "events" / f"{day:02}.parquet"}'"""  # noqa: S608  # whole numbers and our own folder
            )
        connection.execute(f"COPY made TO '{folder / 'events.parquet'}' (FORMAT parquet)")
    return folder


def _of_events() -> dict[str, Metric]:
    """Ten metrics on one source: four shares, four means, two ratios."""
    week, fortnight = timedelta(days=7), timedelta(days=14)
    purchase, cart = "name = 'purchase'", "name = 'cart'"

    def share(where: str) -> Share:
        return Share(kind="share", source="events", where=where, window=week, better=UP)

    def mean(where: str, value: str | None, window: timedelta) -> Mean:
        return Mean(kind="mean", source="events", where=where, value=value, window=window, better=UP)

    def ratio(where: str) -> Ratio:
        over = Total(source="events", value="value", where=where)
        under = Count(source="events", count="rows", where=where)
        return Ratio(kind="ratio", over=over, under=under, window=week, better=UP)

    return {
        "purchased": share(purchase),
        "carted": share(cart),
        "searched": share("name = 'search'"),
        "failed": share("name = 'error'"),
        "revenue": mean(purchase, "value", week),
        "revenue14": mean(purchase, "value", fortnight),
        "views": mean("name = 'view'", None, week),
        "big": mean("value > 90", None, fortnight),
        "order_value": ratio(purchase),
        "cart_value": ratio(cart),
    }


def _of_units() -> dict[str, Metric]:
    """The same ten from columns of the exposures."""
    made: dict[str, Metric] = {
        key: Share(kind="share", source=EXPOSURES, where=f"{key} = 1", better=UP)
        if key in SHARES
        else Mean(kind="mean", source=EXPOSURES, value=key, better=UP)
        for key in COLUMNS
    }
    for key in RATIOS:
        over, under = (Total(source=EXPOSURES, value=f"{key}_{side}") for side in ("over", "under"))
        made[key] = Ratio(kind="ratio", over=over, under=under, better=UP)
    return made


def events_plan(events: str = LAYOUTS["clustered"]) -> Plan:
    """From events: windows of 7 and 14 days, each metric adjusted by its own value in 14 days before."""
    return _plan(
        _of_events(),
        Exposures(
            parquet="exposures.parquet", unit="unit", variant="variant", time="moment", pre_exposure=SEGMENTS
        ),
        Adjust(lookback=timedelta(days=14), covariates=("pre_period",)),
        (PlannedSource(key="events", source=Source(parquet=events, unit="unit", time="moment")),),
    )


def units_plan() -> Plan:
    """From a table with a row per unit: all metrics adjusted by one column."""
    exposures = Exposures(
        parquet="units.parquet", unit="unit", variant="variant", pre_exposure=(*SEGMENTS, "before")
    )
    return _plan(_of_units(), exposures, Adjust(covariates=("before",)), ())


def _plan(
    metrics: dict[str, Metric], exposures: Exposures, adjust: Adjust, sources: tuple[PlannedSource, ...]
) -> Plan:
    return Plan(
        key="bench",
        owner=None,
        unit="unit",
        hypothesis=Hypothesis(
            change="none",
            because="it is a benchmark",
            expect=Expectation(metric="purchased", direction=UP, mei=Size(value=0.01, relative=True)),
        ),
        exposures=exposures,
        moments=None,
        trigger=None,
        variants=(PlannedVariant(key="control", weight=1), PlannedVariant(key="treatment", weight=1)),
        weights_known=True,
        sources=sources,
        metrics=tuple(
            PlannedMetric(key=key, role=Role.SECONDARY, metric=metric) for key, metric in metrics.items()
        ),
        segments=tuple(PlannedSegment(key=key, segment=Segment(values=key)) for key in SEGMENTS),
        analysis=Analysis(
            method=Method.FIXED, alpha=0.05, power=0.8, multiplicity=Multiplicity.NONE, adjust=adjust
        ),
        duration=None,
        timezone="UTC",
        assumptions=(),
    )
