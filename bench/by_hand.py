"""SQL as somebody would write it by hand for this one plan, as well as we can: one pass over the events.

It makes the checks that Splitrun makes: duplicates and crossovers, unknown variants, rows without a unit or a
time, events before exposure and of strangers, windows that have not passed, values that are missing or not
finite. Each condition is written once; an aggregate that two metrics share is taken once. What it leaves out:
hashing the files, reading text as what it means, and centring (its sums are raw).
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from pathlib import Path

import duckdb
from bench.setting import COLUMNS, LAYOUTS, RATIOS, SEGMENTS

__all__ = ["by_hand", "keep_units", "per_metric_and_cut"]

WEEK = 7 * 86_400_000_000
NAMES = {
    "p": "name = 'purchase'",
    "c": "name = 'cart'",
    "s": "name = 'search'",
    "e": "name = 'error'",
    "v": "name = 'view'",
    "b": "value > 90",
}
SPANS = {"7": f"e.t >= u.t AND e.t < u.t + {WEEK}", "14": f"e.t >= u.t AND e.t < u.t + {2 * WEEK}",
         "0": f"e.t >= u.t - {2 * WEEK} AND e.t < u.t"}  # fmt: skip
"""7 and 14 days from exposure on, and 14 days before it."""
COUNTED = ("p7", "c7", "s7", "e7", "v7", "b14", "p0", "c0", "s0", "e0", "v0", "b0")
ADDED = ("p7", "p14", "c7", "p0", "c0")
LONG = frozenset({"revenue14", "big"})
"""Metrics over 14 days."""


def before(column: str) -> str:
    """The same column over the days before exposure."""
    return column.replace("14", "0").replace("7", "0")


def outcomes() -> dict[str, tuple[str, ...]]:
    """Each metric's columns over units: outcomes, then covariates."""
    single = {key: (column, before(column)) for key, column in COLUMNS.items()}
    return single | {key: (*two, *(before(each) for each in two)) for key, two in RATIOS.items()}


def by_hand(folder: Path, events: str = LAYOUTS["clustered"]) -> dict[str, float]:
    """Run it; the mean of each metric in control."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET enable_progress_bar = false")
        _enrol(connection, folder)
        _add_up(connection, folder / events)
        sums = []
        for metric, columns in outcomes().items():
            ready = "ready14" if metric in LONG else "ready7"
            # an infinite or missing value makes a sum that is not finite
            valid = f"FILTER ({ready} AND isfinite({columns[0]}))"
            sums.append(f"count(*) {valid} AS n_{metric}")
            sums += [f"sum({column}) {valid} AS s_{metric}_{place}" for place, column in enumerate(columns)]
            sums += [
                f"sum({columns[one]} * {columns[other]}) {valid} AS q_{metric}_{one}{other}"
                for one, other in combinations_with_replacement(range(len(columns)), 2)
            ]
        filled = ", ".join(f"coalesce({name}, 0)::DOUBLE AS {name}" for name in _columns())
        cells = connection.sql(
            f"""SELECT variant, {", ".join(SEGMENTS)}, count(*), {", ".join(sums)} FROM (
                SELECT variant, {", ".join(SEGMENTS)}, {filled}, u.t + {WEEK} <= finish AS ready7,
                u.t + {2 * WEEK} <= finish AS ready14
                FROM units u LEFT JOIN added USING (n), (SELECT latest AS finish FROM looked)) GROUP BY ALL"""  # noqa: S608  # made of the texts above
        ).to_arrow_table()
    control = [cell for cell in cells.to_pylist() if cell["variant"] == "control"]
    found = {}
    for metric in outcomes():
        under = f"s_{metric}_1" if metric in RATIOS else f"n_{metric}"
        found[metric] = sum(cell[f"s_{metric}_0"] or 0.0 for cell in control) / sum(
            cell[under] or 0.0 for cell in control
        )
    return found


def _columns() -> list[str]:
    return [*COUNTED, *(f"v_{name}" for name in ADDED)]


def _enrol(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    source = f"read_parquet('{folder / 'exposures.parquet'}')"
    rows, units, *_ = connection.sql(
        f"""SELECT count(*), count(DISTINCT unit), count_if(unit IS NULL), count_if(variant IS NULL),
            count_if(variant NOT IN ('control', 'treatment')), count_if(moment IS NULL) FROM {source}"""  # noqa: S608  # our own folder
    ).fetchall()[0]
    first = f"FROM {source} WHERE variant IN ('control', 'treatment') AND moment IS NOT NULL"
    if rows > units:
        connection.sql(
            f"""SELECT sum(rows - variants), count_if(variants > 1) FROM
                (SELECT count(*) AS rows, count(DISTINCT variant) AS variants {first} GROUP BY unit)"""  # noqa: S608  # our own folder
        ).fetchall()
        first += " QUALIFY row_number() OVER (PARTITION BY unit ORDER BY moment, variant) = 1"
    connection.execute(
        f"""CREATE TEMP TABLE units AS SELECT row_number() OVER ()::INT AS n, unit, variant,
            epoch_us(moment) AS t, {", ".join(SEGMENTS)} {first}"""  # our own folder
    )
    connection.sql("SELECT variant, count(*), min(t), max(t) FROM units GROUP BY variant").fetchall()


def _add_up(connection: duckdb.DuckDBPyConnection, events: Path) -> None:
    source = f"read_parquet('{events}')"
    connection.execute(
        f"""CREATE TEMP TABLE looked AS SELECT count(*) AS rows, count_if(moment IS NULL) AS no_time,
            epoch_us(max(moment)) AS latest FROM {source}"""  # noqa: S608  # our own folder
    )
    tests = {name: f"is_{name[0]} AND {SPANS[name[1:]]}" for name in (*COUNTED, *ADDED)}
    named = [f"count_if({tests[name]}) AS {name}" for name in COUNTED]
    named += [f"sum(if({tests[name]}, worth, 0e0)) AS v_{name}" for name in ADDED]
    connection.execute(
        f"""CREATE TEMP TABLE added AS SELECT n, count(*) AS rows, count_if(e.t < u.t) AS before,
            {", ".join(named)} FROM (SELECT unit, epoch_us(moment) AS t, coalesce(value, 'nan') AS worth,
            {", ".join(f"{test} AS is_{name}" for name, test in NAMES.items())} FROM {source}) e
            JOIN units u ON e.unit = u.unit GROUP BY n"""  # noqa: S608  # made of the texts above
    )
    connection.sql(
        """SELECT sum(before), (SELECT rows FROM looked) - sum(rows) AS unexposed,
           count_if(NOT isfinite(v_p14 + v_c7)) FROM added"""
    ).fetchall()


def per_metric_and_cut(folder: Path) -> dict[str, float]:
    """What dashboards do: a query from the events for each of the ten metrics in each of the six cuts."""
    found = {}
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET enable_progress_bar = false")
        for metric, columns in outcomes().items():
            found[metric] = _alone(connection, folder, (metric, columns), ())
            for segment in SEGMENTS:
                # a level is a part of the whole, so that the parts have its mean
                again = _alone(connection, folder, (metric, columns), (segment,))
                if abs(again - found[metric]) > 1e-9 * abs(found[metric]):
                    raise ValueError(f"{metric} by {segment}: {again} and not {found[metric]}")
    return found


def _alone(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    asked: tuple[str, tuple[str, ...]],
    segments: tuple[str, ...],
) -> float:
    """The mean in control, by a query of its own: each unit's first exposure, its window, its covariate."""
    metric, columns = asked
    events = f"read_parquet('{folder / LAYOUTS['clustered']}')"
    exposures = f"read_parquet('{folder / 'exposures.parquet'}')"
    by = "".join(f", {segment}" for segment in segments)
    days = 14 if metric in LONG else 7
    spans = {"7": "BETWEEN u.t AND u.t + INTERVAL 7 DAY", "14": "BETWEEN u.t AND u.t + INTERVAL 14 DAY",
             "0": "BETWEEN u.t - INTERVAL 14 DAY AND u.t - INTERVAL 1 MICROSECOND"}  # fmt: skip
    made = []
    for place, column in enumerate(columns):
        name = column.removeprefix("least(").removesuffix(", 1)").removeprefix("v_")
        test = f"{NAMES[name[0]]} AND moment {spans[name[1:]]}"
        counted = f"sum(if({test}, value, 0e0))" if "v_" in column else f"count_if({test})"
        made.append(f"{f'least({counted}, 1)' if 'least' in column else counted} AS x{place}")
    names = [f"coalesce(x{place}, 0)" for place in range(len(columns))]
    sums = [f"sum({name}) AS s{place}" for place, name in enumerate(names)]
    sums += [f"sum({one} * {other})" for one, other in combinations_with_replacement(names, 2)]
    only = NAMES[columns[0].removeprefix("least(").removeprefix("v_")[0]]
    rows = (
        connection.sql(
            f"""WITH u AS (SELECT unit, variant{by}, moment AS t FROM {exposures}
            WHERE variant IN ('control', 'treatment') AND moment IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY unit ORDER BY moment, variant) = 1),
            e AS (SELECT u.unit, {", ".join(made)} FROM {events} e JOIN u USING (unit) WHERE {only}
            GROUP BY u.unit)
            SELECT variant{by}, count(*) AS n, {", ".join(sums)} FROM u LEFT JOIN e USING (unit)
            WHERE t + INTERVAL {days} DAY <= (SELECT max(moment) FROM {events}) GROUP BY ALL"""  # noqa: S608  # made of the texts above
        )
        .to_arrow_table()
        .to_pylist()
    )
    control = [row for row in rows if row["variant"] == "control"]
    under = "s1" if metric in RATIOS else "n"
    return sum(float(row["s0"]) for row in control) / sum(float(row[under]) for row in control)


def keep_units(folder: Path) -> None:
    """Make the ready table of units, unless it is there: matured units with every metric's columns."""
    target = folder / "units.parquet"
    if target.exists():
        return
    named = [f"{column}::DOUBLE AS {key}" for key, column in COLUMNS.items()]
    for key, two in RATIOS.items():
        named += [
            f"{column}::DOUBLE AS {key}_{side}" for side, column in zip(("over", "under"), two, strict=True)
        ]
    filled = ", ".join(f"coalesce({name}, 0)::DOUBLE AS {name}" for name in _columns())
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        _enrol(connection, folder)
        _add_up(connection, folder / "events.parquet")
        connection.execute(
            f"""COPY (SELECT unit, variant, {", ".join(SEGMENTS)}, v_p0 AS before, {", ".join(named)} FROM
                (SELECT unit, variant, {", ".join(SEGMENTS)}, {filled} FROM units LEFT JOIN added USING (n)))
                TO '{target}'"""  # noqa: S608  # made of the texts above
        )
