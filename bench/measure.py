"""How dear measurement is: Splitrun beside peers and limits, in turns on the same files.

Run by `make bench`. Every way runs in a process of its own on one core; CPU seconds are those of the work,
not of starting Python; medians of the rounds. Prints one table: goal, figure, holds or not. `--quick` is a
small run whose figures say little.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
from bench.by_hand import by_hand, keep_units, per_metric_and_cut
from bench.judging import judged, many_cells
from bench.setting import DATA, LAYOUTS, RATIOS, SEGMENTS, events_plan, files, units_plan

from splitrun.judge.readings import every_reading
from splitrun.measure.engines.duckdb import DuckDB, Limits
from splitrun.measure.measurement import measure
from splitrun.spec.plan import Plan

PEER = Path(__file__).parent / "peers" / "tea-tasting" / "bin" / "python"
PEERS = {"tea-tasting, DuckDB": "duckdb", "tea-tasting, Polars": "polars"}
FIRST = "tea-tasting, DuckDB"
"""Which of them the goal is held against: what its documentation names first; the other stands beside it."""
GROUPS = 26
ROOT = Path(__file__).parent.parent

LIMITS = Limits()
"""What anybody gets who asks for nothing."""

Took = dict[str, float]


def measured(plan: Plan, folder: Path) -> dict[str, float]:
    """Measure a plan; the mean, or the ratio, of each metric in control."""
    with DuckDB(roots=[folder], limits=LIMITS) as engine:
        found = measure(plan, engine)
    means = {key: found.by_variant(key)[1][0].mean[0] for key in found.columns}
    return {key: float(mean[0] / mean[1] if key in RATIOS else mean[0]) for key, mean in means.items()}


def analysed(folder: Path) -> dict[str, float]:
    """From a table of units, with every effect and its interval, as tea-tasting gives them."""
    plan = units_plan()
    with DuckDB(roots=[folder], limits=LIMITS) as engine:
        every_reading(plan, measure(plan, engine))
    return {}


def scanned(folder: Path) -> dict[str, float]:
    """Read the same columns and do next to nothing with them."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET enable_progress_bar = false")
        # sums over every value: a minimum would be answered from the statistics in the footer
        texts = ", ".join(f"sum(length({name}))" for name in ("variant", *SEGMENTS))
        times = "sum(epoch_us(moment)), sum(unit::HUGEINT)"
        for file, read in {
            "exposures.parquet": f"{times}, {texts}",
            LAYOUTS["clustered"]: f"{times}, sum(length(name)), sum(value)",
        }.items():
            connection.sql(f"SELECT {read} FROM read_parquet('{folder / file}')").to_arrow_table()  # noqa: S608  # our own names
    return {}


def judging(folder: Path) -> dict[str, float]:
    """The statistics step alone, on what was measured; seconds, best of many."""
    plan = events_plan()
    with DuckDB(roots=[folder], limits=LIMITS) as engine:
        found = measure(plan, engine)
    return judged(plan, found) | {"cells": many_cells()}


WAYS: dict[str, Callable[[Path], dict[str, float]]] = {
    "splitrun": lambda folder: measured(events_plan(), folder),
    "by hand": by_hand,
    "splitrun, by day": lambda folder: measured(events_plan(LAYOUTS["by day"]), folder),
    "by hand, by day": lambda folder: by_hand(folder, LAYOUTS["by day"]),
    "scan": scanned,
    "query per metric and cut": per_metric_and_cut,
    "splitrun, units": analysed,
    "judging": judging,
}
ONCE = ("query per metric and cut", "judging")
"""Ways that run in the first round only."""


def once(way: str, folder: Path) -> None:
    """Run one way in this process and print what it took."""
    before, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = WAYS[way](folder)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    took = {"cpu": cpu, "wall": time.perf_counter() - wall, "peak": after.ru_maxrss / 1024, "found": found}
    sys.stdout.write(json.dumps(took))


@dataclass(slots=True)
class Runs:
    """What every way took, and what it found last."""

    took: dict[str, list[Took]]
    found: dict[str, dict[str, float]]

    def run(self, way: str, folder: Path, name: str | None = None) -> None:
        """Run a way once in a process of its own, pinned as we are."""
        if way in PEERS:
            loop, table = str(PEER.parents[2] / "loop.py"), str(folder / "units.parquet")
            command = [str(PEER), loop, table, PEERS[way]]
        else:
            command = [sys.executable, "-m", "bench.measure", "--once", way, "--folder", str(folder)]
        said = subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout
        took = json.loads(said)
        self.found[name or way] = took.pop("found")
        self.took.setdefault(name or way, []).append(took)

    def middle(self, way: str, what: str = "cpu") -> float:
        """The median over the rounds."""
        return statistics.median(each[what] for each in self.took[way])

    def peak(self, way: str) -> float:
        """The highest peak over the rounds, in MB."""
        return max(each["peak"] for each in self.took[way])

    def ratio(self, way: str, peer: str) -> float:
        """CPU of a way over that of a peer in the same round, median over the rounds."""
        pairs = zip(self.took[way], self.took[peer], strict=False)
        return statistics.median(one["cpu"] / other["cpu"] for one, other in pairs)


def ran(units: int, events: int, rounds: int) -> Runs:
    """Everything, in turns."""
    folder, small = DATA / f"{units}-{events}", DATA / f"{units // 10}-{events // 10}"
    # by a process of its own: those started later inherit the peak of this one
    making = [sys.executable, "-m", "bench.measure", "--make", "--units", str(units), "--events", str(events)]
    subprocess.run(making, check=True, cwd=ROOT)
    runs = Runs({}, {})
    for place in range(rounds):
        for way in (*WAYS, *PEERS):
            if way not in ONCE and (way not in PEERS or PEER.exists()):
                runs.run(way, folder)
        runs.run("splitrun", small, "splitrun, a tenth")
        if place == 0:
            for way in ONCE:
                runs.run(way, folder)
    for way in ("by hand", "splitrun, by day", "by hand, by day", "query per metric and cut"):
        if not agree(runs.found["splitrun"], runs.found[way]):
            sys.exit(f"splitrun and {way} disagree: {runs.found['splitrun']} {runs.found[way]}")
    return runs


def agree(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two ways found the same means."""
    return all(abs(one[key] - other[key]) <= 1e-9 * abs(other[key]) for key in other)


def goals(runs: Runs) -> list[tuple[str, str, str, bool | None]]:
    """Every goal: what, goal, figure, whether it holds."""
    judged_in = runs.found["judging"]
    hand, scan = runs.ratio("splitrun", "by hand"), runs.ratio("splitrun", "scan")
    peak = runs.peak("splitrun")
    # run once, so held against the middle of ours
    queries = runs.middle("query per metric and cut") / runs.middle("splitrun")
    exponent = math.log10(runs.ratio("splitrun", "splitrun, a tenth"))
    rows: list[tuple[str, str, str, bool | None]] = [
        ("CPU over SQL by hand with the same checks", "≤ 1.3", f"{hand:.2f}", hand <= 1.3),
        (
            "the same where events are sorted by time alone", "reported",
            f"{runs.ratio('splitrun, by day', 'by hand, by day'):.2f}", None,
        ),
        ("CPU over a bare scan", "reported", f"{scan:.1f}", None),
        ("peak memory of the whole process", "≤ 500 MB", f"{peak:,.0f} MB", peak <= 500),
        ("CPU of a query per metric and cut, over ours", "≥ 20", f"{queries:.0f}", queries >= 20),
        ("exponent from a tenth of the units to all", "≤ 1.05", f"{exponent:.2f}", exponent <= 1.05),
        (
            f"statistics step, {judged_in['comparisons']:.0f} comparisons",
            "≤ 10 ms", f"{1e3 * judged_in['effects']:.1f} ms", judged_in["effects"] <= 0.01,
        ),
        ("the readout of them, sentences and all", "reported", f"{1e3 * judged_in['readout']:.0f} ms", None),
        (
            "100 metrics, 4 variants, 20 segments, 30 days",
            "≤ 1 s", f"{judged_in['cells']:.2f} s", judged_in["cells"] <= 1,
        ),
    ]  # fmt: skip
    for way in PEERS:
        if way in runs.took:
            ready = 1 / runs.ratio("splitrun, units", way)
            goal, holds = ("≥ 8", ready >= 8) if way == FIRST else ("reported", None)
            rows.insert(4, (f"CPU of {way}, from a table of units, over ours", goal, f"{ready:.1f}", holds))
    return rows


def table(runs: Runs) -> str:
    """Both tables as Markdown."""
    out = ["| what | goal | figure | holds |", "|---|---|---|---|"]
    for what, goal, figure, holds in goals(runs):
        out.append(f"| {what} | {goal} | {figure} | {'' if holds is None else 'yes' if holds else 'no'} |")
    out += ["", "| way | CPU s (median) | wall s (median) | peak MB |", "|---|---|---|---|"]
    for way in runs.took:
        if way != "judging":
            out.append(
                f"| {way} | {runs.middle(way):.2f} | {runs.middle(way, 'wall'):.2f} | {runs.peak(way):,.0f} |"
            )
    return "\n".join(out)


def main() -> None:
    """Make the files, run the ways in turns, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="100,000 units, 2,000,000 events, one round")
    parser.add_argument("--once", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.once:
        once(asked.once, asked.folder)
        return
    if asked.make:
        keep_units(files(asked.units, asked.events))
        files(asked.units // 10, asked.events // 10)
        return
    # the processes that are started inherit it
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    units, events, rounds = (
        (100_000, 2_000_000, 1) if asked.quick else (asked.units, asked.events, asked.rounds)
    )
    runs = ran(units, events, rounds)
    head = (
        f"{units:,} units, {events:,} events, 10 metrics, each adjusted, {GROUPS} groups, 2 variants, "
        f"{rounds} rounds; {platform.machine()}, CPython {platform.python_version()}, "
        f"DuckDB {duckdb.__version__}"
    )
    missing = "" if PEER.exists() else "\ntea-tasting was left out: run `make peers` first\n"
    sys.stdout.write(f"{head}\n{missing}\n{table(runs)}\n")


if __name__ == "__main__":
    main()
