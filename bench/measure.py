"""How dear measurement is: Splitrun, SQL written by hand, and a bare scan, in turns on the same files.

Run by `make bench`. CPU seconds of a process of its own, one thread, median of the rounds; peak memory of
that process. `--units` and `--events` make smaller files.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb

from splitrun.measure.engines.duckdb import DuckDB, Limits
from splitrun.measure.measurement import measure
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Expectation, Hypothesis, Method, Multiplicity
from splitrun.spec.metric import Count, Mean, Metric, Ratio, Share, Total
from splitrun.spec.model import Direction, Role
from splitrun.spec.plan import Analysis, Plan, PlannedMetric, PlannedSegment, PlannedSource, PlannedVariant
from splitrun.spec.segment import Segment
from splitrun.spec.source import Exposures, Source

DATA = Path(__file__).parent / "data"
SEGMENTS = ("country", "device", "plan", "channel", "age")
UP = Direction.HIGHER
DAYS = 28


def made(units: int, events: int) -> Path:
    """Make the files, unless they are there: units and their events over 28 days, events sorted by day."""
    folder = DATA / f"{units}-{events}"
    if (folder / "events.parquet").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (SELECT (hash(i) >> 2)::BIGINT AS unit,
            if(hash(i + 1) % 2 = 0, 'control', 'treatment') AS variant,
            TIMESTAMPTZ '2026-01-01 00:00:00Z' + to_seconds((hash(i, 2) % {14 * 86400})::BIGINT) AS moment,
            'c' || hash(i, 3) % 8 AS country, 'd' || hash(i, 4) % 3 AS device, 'p' || hash(i, 5) % 4 AS plan,
            'h' || hash(i, 6) % 5 AS channel, 'a' || hash(i, 7) % 6 AS age
            FROM range({units}) t(i)) TO '{folder / "exposures.parquet"}'"""  # noqa: S608  # whole numbers and our own folder
        )
        connection.execute(
            f"""COPY (SELECT (hash((hash(i, 8) % {units})::BIGINT) >> 2)::BIGINT AS unit,
            TIMESTAMPTZ '2026-01-01 00:00:00Z' + to_microseconds(((i / {events} + (hash(i, 9) % 1000) / 28000)
            * {DAYS * 86400} * 1000000)::BIGINT) AS moment,
            ['view', 'cart', 'purchase', 'search', 'error'][(hash(i, 10) % 5 + 1)::INT] AS name,
            (hash(i, 11) % 100000) / 1000.0 + 0.001 AS value
            FROM range({events}) t(i)) TO '{folder / "events.parquet"}'"""  # noqa: S608  # whole numbers and our own folder
        )
    return folder


def metrics() -> dict[str, Metric]:
    """Ten metrics on one source: four shares, four means, two ratios."""
    week, fortnight = timedelta(days=7), timedelta(days=14)
    purchase, cart = "name = 'purchase'", "name = 'cart'"

    def spent(where: str) -> Total:
        return Total(source="events", value="value", where=where)

    return {
        "purchased": Share(kind="share", source="events", where=purchase, window=week, better=UP),
        "carted": Share(kind="share", source="events", where="name = 'cart'", window=week, better=UP),
        "searched": Share(kind="share", source="events", where="name = 'search'", window=week, better=UP),
        "failed": Share(kind="share", source="events", where="name = 'error'", window=week, better=UP),
        "revenue": Mean(kind="mean", source="events", where=purchase, value="value", window=week, better=UP),
        "revenue14": Mean(
            kind="mean", source="events", where=purchase, value="value", window=fortnight, better=UP
        ),
        "views": Mean(kind="mean", source="events", where="name = 'view'", window=week, better=UP),
        "big": Mean(kind="mean", source="events", where="value > 90", window=fortnight, better=UP),
        "order_value": Ratio(
            kind="ratio", over=spent(purchase), under=Count(source="events", count="rows", where=purchase),
            window=week, better=UP,
        ),
        "cart_value": Ratio(
            kind="ratio", over=spent(cart), under=Count(source="events", count="rows", where=cart),
            window=week, better=UP,
        ),
    }  # fmt: skip


def plan() -> Plan:
    """The plan that is measured."""
    return Plan(
        key="bench",
        owner=None,
        unit="unit",
        hypothesis=Hypothesis(
            change="none",
            because="it is a benchmark",
            expect=Expectation(metric="purchased", direction=UP, mei=Size(value=0.01, relative=True)),
        ),
        exposures=Exposures(
            parquet="exposures.parquet", unit="unit", variant="variant", time="moment", pre_exposure=SEGMENTS
        ),
        moments=None,
        trigger=None,
        variants=(PlannedVariant(key="control", weight=1), PlannedVariant(key="treatment", weight=1)),
        weights_known=True,
        sources=(
            PlannedSource(key="events", source=Source(parquet="events.parquet", unit="unit", time="moment")),
        ),
        metrics=tuple(
            PlannedMetric(key=key, role=Role.SECONDARY, metric=metric) for key, metric in metrics().items()
        ),
        segments=tuple(PlannedSegment(key=key, segment=Segment(values=key)) for key in SEGMENTS),
        analysis=Analysis(method=Method.FIXED, alpha=0.05, power=0.8, multiplicity=Multiplicity.NONE),
        duration=None,
        timezone="UTC",
        assumptions=(),
    )


def ours(folder: Path) -> dict[str, float]:
    """Measure the plan, and give each metric's mean in control to compare."""
    with DuckDB(roots=[folder], limits=Limits(threads=1)) as engine:
        measured = measure(plan(), engine)
    return {key: float(measured.by_variant(key)[1][0].mean[0, 0]) for key in measured.columns}


def by_hand(folder: Path) -> dict[str, float]:
    """The same work as somebody would write it for this one plan: raw sums, nothing counted that is wrong."""
    week, fortnight = "e.moment < u.moment + INTERVAL 7 DAY", "e.moment < u.moment + INTERVAL 14 DAY"
    cuts = ", ".join(SEGMENTS)
    parts = {
        "purchased": f"max(if(name = 'purchase' AND {week}, 1e0, 0e0))",
        "carted": f"max(if(name = 'cart' AND {week}, 1e0, 0e0))",
        "searched": f"max(if(name = 'search' AND {week}, 1e0, 0e0))",
        "failed": f"max(if(name = 'error' AND {week}, 1e0, 0e0))",
        "revenue": f"sum(if(name = 'purchase' AND {week}, value, 0e0))",
        "revenue14": f"sum(if(name = 'purchase' AND {fortnight}, value, 0e0))",
        "views": f"sum(if(name = 'view' AND {week}, 1e0, 0e0))",
        "big": f"sum(if(value > 90 AND {fortnight}, 1e0, 0e0))",
        "orders": f"sum(if(name = 'purchase' AND {week}, 1e0, 0e0))",
        "cart_value": f"sum(if(name = 'cart' AND {week}, value, 0e0))",
        "carts": f"sum(if(name = 'cart' AND {week}, 1e0, 0e0))",
    }
    added = ", ".join(f"{sql} AS {name}" for name, sql in parts.items())
    ratios = {"order_value": ("revenue", "orders"), "cart_value": ("cart_value", "carts")}
    sums = []
    for name in parts:
        ready = "ready14" if name in {"revenue14", "big"} else "ready7"
        sums.append(
            f"sum(coalesce({name}, 0)) FILTER ({ready}) AS s_{name}, "
            f"sum(coalesce({name}, 0) * coalesce({name}, 0)) FILTER ({ready}) AS q_{name}"
        )
    sums += [f"sum({over} * {under}) FILTER (ready7) AS x_{name}" for name, (over, under) in ratios.items()]
    sql = f"""WITH units AS (SELECT row_number() OVER () AS n, *
                 FROM read_parquet('{folder / "exposures.parquet"}')),
        events AS (SELECT n, {added} FROM read_parquet('{folder / "events.parquet"}') e
                   JOIN units u ON e.unit = u.unit WHERE e.moment >= u.moment GROUP BY n),
        final AS (SELECT max(moment) AS finish FROM read_parquet('{folder / "events.parquet"}')),
        done AS (SELECT *, u.moment + INTERVAL 7 DAY <= final.finish AS ready7,
                 u.moment + INTERVAL 14 DAY <= final.finish AS ready14
                 FROM units u LEFT JOIN events USING (n), final)
        SELECT variant, {cuts}, count(*) FILTER (ready7) AS n7, count(*) FILTER (ready14) AS n14,
        {", ".join(sums)}
        FROM done GROUP BY ALL"""  # noqa: S608  # made of the texts above
    with duckdb.connect(config={"threads": 1}) as connection:
        cells = connection.sql(sql).to_arrow_table().to_pylist()
    control = [cell for cell in cells if cell["variant"] == "control"]
    found = {}
    for name in metrics():
        count = "n14" if name in {"revenue14", "big"} else "n7"
        total = sum(cell[f"s_{ratios[name][0] if name in ratios else name}"] or 0.0 for cell in control)
        found[name] = total / sum(cell[count] for cell in control)
    return found


def scanned(folder: Path) -> dict[str, float]:
    """Read the same columns and do next to nothing with them."""
    with duckdb.connect(config={"threads": 1}) as connection:
        # sums over every value: a minimum would be answered from the statistics in the footer
        texts = ", ".join(f"sum(length({name}))" for name in ("variant", *SEGMENTS))
        times = "sum(epoch_us(moment)), sum(unit::HUGEINT)"
        for file, read in {
            "exposures": f"{times}, {texts}",
            "events": f"{times}, sum(length(name)), sum(value)",
        }.items():
            connection.sql(f"SELECT {read} FROM read_parquet('{folder / file}.parquet')").to_arrow_table()  # noqa: S608  # our own names
    return {}


WAYS: dict[str, Callable[[Path], dict[str, float]]] = {"splitrun": ours, "by hand": by_hand, "scan": scanned}


def once(way: str, folder: Path) -> None:
    """Run one way in this process and print what it took."""
    before, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    means = WAYS[way](folder)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    took = {"cpu": cpu, "wall": time.perf_counter() - wall, "peak": after.ru_maxrss / 1024, "means": means}
    sys.stdout.write(json.dumps(took))


def agree(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two ways found the same means."""
    return all(abs(one[key] - other[key]) <= 1e-9 * abs(other[key]) for key in other)


def main() -> None:
    """Make the files, run the ways in turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--once", choices=list(WAYS))
    asked = parser.parse_args()
    folder = made(asked.units, asked.events)
    if asked.once:
        once(asked.once, folder)
        return
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    found: dict[str, dict[str, float]] = {}
    for _ in range(asked.rounds):
        for way in WAYS:
            command = [
                sys.executable,
                __file__,
                "--once",
                way,
                "--units",
                str(asked.units),
                "--events",
                str(asked.events),
            ]
            took = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            found[way] = took.pop("means")
            runs[way].append(took)
    if not agree(found["splitrun"], found["by hand"]):
        sys.exit(f"the two ways disagree: {found}")
    hand = statistics.median(run["cpu"] for run in runs["by hand"])
    out = [
        f"{asked.units:,} units, {asked.events:,} events, 10 metrics, 5 segments, {asked.rounds} rounds",
        "",
        "| way | CPU s (median) | x by hand | wall s (median) | peak MB |",
        "|---|---|---|---|---|",
    ]
    for way, listed in runs.items():
        cpu = statistics.median(run["cpu"] for run in listed)
        wall = statistics.median(run["wall"] for run in listed)
        peak = max(run["peak"] for run in listed)
        out.append(f"| {way} | {cpu:.2f} | {cpu / hand:.2f} | {wall:.2f} | {peak:,.0f} |")
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
