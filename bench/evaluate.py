"""How dear an evaluation is: Splitrun beside the bare hash, which is the limit, and beside peers.

Run by `python -m bench.evaluate`. Every program, ours too, is a process of its own, each peer in an
environment of its own (`make peers`). Their rounds take turns, every round is of units that none has seen,
and in every round of every process the limit is asked too: what is compared across processes is multiples of
it. CPU time of the calling thread; medians of the rounds. `--quick` is a small run.

A peer is a name in PEERS, a list of what it needs in `bench/peers/NAME.txt` and a program
`bench/peers/NAME.py` that hands its ways to `bench.evaluating.served`; `NAME_HOW.py` is another program of
the same peer. No program may use the network.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.evaluating import LIMIT, MARK
from bench.ours import ruleset
from bench.starting import loading, rows_per_second

from splitrun.assign.transmission import sealed

ROOT = Path(__file__).parent.parent
PEERS = (
    "eppo",
    "statsig",
    "growthbook",
    "launchdarkly",
    "launchdarkly_events",
    "flagd",
    "unleash",
    "posthog",
    "segment",
    "opentelemetry",
)
"""Each is left out, and said to be, where its environment was not made."""

CASES = ("plain", "targeted")
ROWS = 3_000_000
MILLISECONDS = 30


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio that is promised, or only reported: of a way over another, for every case that both have."""

    way: str
    over: str
    at_most: float | None = None
    at_least: float | None = None


QUIET = ("growthbook reused", "launchdarkly", "flagd", "unleash")
LOGGING = (
    "growthbook reused",
    "launchdarkly with events",
    "flagd",
    "unleash",
    "posthog with events",
    "posthog snapshot",
)
"""Peers as they log the exposure; two have no way to do so."""

GOALS = (
    Goal("evaluation", LIMIT, at_most=2.5),
    Goal("client seen unit", LIMIT, at_most=4),
    Goal("client first exposure", LIMIT, at_most=5.5),
    Goal("eppo", "evaluation", at_least=1.5),
    Goal("eppo", "client seen unit", at_least=1.5),
    Goal("eppo", "client first exposure", at_least=1.5),
    *(
        Goal(peer, ours, at_least=10)
        for ours, peers in (
            ("evaluation", (*QUIET, "posthog silent", "posthog snapshot")),
            # who logs on a call of their own is held against a call that would log, too
            ("client seen unit", (*QUIET, "posthog with events", "posthog snapshot")),
            ("client first exposure", LOGGING),
        )
        for peer in peers
    ),
    Goal("launchdarkly", "client first exposure"),
    Goal("posthog silent", "client seen unit"),
    Goal("posthog silent", "client first exposure"),
    Goal("openfeature, ours, seen unit", "openfeature, their in-memory provider", at_most=1.2),
    Goal("openfeature, ours, first exposure", "openfeature, their in-memory provider", at_most=1.2),
    Goal("segment, track", "track, properties as a mapping", at_least=20),
    Goal("opentelemetry, emit", "track, properties as a mapping", at_least=20),
)


class Program:
    """A process that serves its ways, one round at a time."""

    def __init__(self, python: Path, file: Path) -> None:
        # -P: `bench/peers/growthbook.py` must not stand before the package of its name
        self.name = file.stem
        self.process = subprocess.Popen(
            [python, "-P", file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
            text=True,
        )
        self.ways: list[str] = self.said()

    def said(self) -> list[str]:
        """Read a line; stop with what the process says where there is none."""
        assert self.process.stdout is not None  # noqa: S101  # a pipe was asked for
        for line in self.process.stdout:
            # a peer may write its log to the same pipe
            if line.startswith(MARK):
                return json.loads(line.removeprefix(MARK))  # type: ignore[no-any-return]  # written by `served`
        _out, wrong = self.process.communicate()
        sys.exit(f"{self.name} stopped: {wrong[-2_000:]}")

    def round(self, first: int, units: int) -> dict[str, float]:
        """Ask for a round."""
        assert self.process.stdin is not None  # noqa: S101  # a pipe was asked for
        self.process.stdin.write(f"{first} {units}\n")
        self.process.stdin.flush()
        return dict(self.said())  # type: ignore[arg-type]  # as above

    def end(self) -> None:
        """End the process; what it says about errors counts, for an error path is not what is measured."""
        _out, wrong = self.process.communicate()
        if self.process.returncode or "Traceback" in wrong:
            sys.exit(f"{self.name} went wrong: {wrong[-2_000:]}")


def programs() -> tuple[list[Program], list[str]]:
    """Start every program; those that run, and who is left out."""
    here = Path(sys.executable)
    files = [(here, ROOT / "bench" / "ours.py"), (here, ROOT / "bench" / "openfeature.py")]
    missing = []
    for name in PEERS:
        python = ROOT / "bench" / "peers" / name.partition("_")[0] / "bin" / "python"
        if python.exists():
            files.append((python, ROOT / "bench" / "peers" / f"{name}.py"))
        else:
            missing.append(name)
    return [Program(python, file) for python, file in files], missing


def asked(units: int, rounds: int) -> tuple[dict[str, list[float]], dict[str, list[float]], list[str]]:
    """Ask all in turns.

    Returns:
        Seconds per call and multiples of the limit beside it, by way and round; and who is left out.
    """
    running, missing = programs()
    seconds: dict[str, list[float]] = {}
    multiples: dict[str, list[float]] = {}
    for place in range(rounds):
        for program in running if place % 2 == 0 else reversed(running):
            took = program.round(place * units * 50, units)
            for way, each in took.items():
                seconds.setdefault(way, []).append(each)
                multiples.setdefault(way, []).append(each / took[LIMIT])
    for program in running:
        program.end()
    return seconds, multiples, missing


def ratios(multiples: dict[str, list[float]], goal: Goal) -> dict[str, float]:
    """A goal's way over the other, round by round, the median; for every case that they have."""
    found = {}
    for case in ("", *(f", {case}" for case in CASES)):
        way = goal.way + case
        over = goal.over if goal.over in multiples else goal.over + case
        if way in multiples and over in multiples:
            pairs = zip(multiples[way], multiples[over], strict=False)
            found[case.removeprefix(", ")] = statistics.median(one / other for one, other in pairs)
    return found


def line(what: str, goal: str, figure: str, holds: bool | None) -> str:  # noqa: FBT001  # a cell of the table
    """Write a line of the table of goals."""
    return f"| {what} | {goal} | {figure} | {'' if holds is None else 'yes' if holds else 'no'} |"


def verdict(goal: Goal, found: dict[str, float]) -> tuple[str, bool | None]:
    """Hold ratios against a goal: how it is written, and whether it holds."""
    if goal.at_most is not None:
        return f"≤ {goal.at_most}", max(found.values()) <= goal.at_most
    if goal.at_least is not None:
        return f"≥ {goal.at_least}", min(found.values()) >= goal.at_least
    return "reported", None


def goals(multiples: dict[str, list[float]]) -> list[str]:
    """Write what was promised as ratios."""
    out = ["| what | goal | figure | holds |", "|---|---|---|---|"]
    for goal in GOALS:
        found = ratios(multiples, goal)
        if not found:
            continue
        figure = ", ".join(f"{case} {ratio:.2f}".strip() for case, ratio in found.items())
        bound, holds = verdict(goal, found)
        out.append(line(f"{goal.way} over {goal.over}", bound, figure, holds))
    return out


def besides(seconds: dict[str, list[float]], rounds: int, units: int) -> list[str]:
    """Write what was promised in absolute figures."""
    track = 1e6 * statistics.median(seconds["track, properties as a mapping"])
    bare = statistics.median(
        one / other
        for one, other in zip(seconds["track, properties as a mapping"], seconds["deque.append"], strict=True)
    )
    out = [
        line("track, validated and copied", "≤ 0.8 µs", f"{track:.2f} µs", track <= 0.8),
        line("the same over a bare deque.append", "reported", f"{bare:.1f}", None),
    ]
    lean = ROOT / "bench" / "peers" / "client" / "bin" / "python"
    environments = {"with all extras": Path(sys.executable)}
    if lean.exists():
        environments = {"as pip installs it": lean} | environments
    for name, python in environments.items():
        for way, taken in loading(python, sealed(ruleset()), max(20, rounds)).items():
            promised = way == "from splitrun import Client"
            bound, holds = (f"≤ {MILLISECONDS} ms", taken <= MILLISECONDS) if promised else ("reported", None)
            out.append(line(f"{way}, over a bare interpreter, {name}", bound, f"{taken:.1f} ms", holds))
    rows = rows_per_second(units, 5)
    out.append(
        line(
            f"slots of {units:,} units in DuckDB, per second and core",
            "≥ 3 M",
            f"{rows / 1e6:.1f} M",
            rows >= ROWS,
        )
    )
    return out


def ways(seconds: dict[str, list[float]], multiples: dict[str, list[float]]) -> list[str]:
    """Write what each way took."""
    out = ["| way | µs of CPU | over the limit |", "|---|---|---|"]
    for way, each in seconds.items():
        over = statistics.median(multiples[way])
        out.append(f"| {way} | {1e6 * statistics.median(each):.2f} | {over:.2f} |")
    return out


def main() -> None:
    """Ask all ways in turns and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=5_000, help="in one round of one way")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--slots", type=int, default=10_000_000, help="ids that DuckDB deals")
    parser.add_argument("--quick", action="store_true", help="1,000 units, 5 rounds, a million slots")
    said = parser.parse_args()
    units, rounds, slots = (1_000, 5, 1_000_000) if said.quick else (said.units, said.rounds, said.slots)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    seconds, multiples, missing = asked(units, rounds)
    head = (
        f"{units:,} units in a round, {rounds} rounds, no unit twice; {platform.machine()}, "
        f"CPython {platform.python_version()}"
    )
    lines = [
        head,
        *([f"\nleft out, run `make peers` first: {', '.join(missing)}"] if missing else []),
        "",
        *goals(multiples),
        *besides(seconds, rounds, slots),
        "",
        *ways(seconds, multiples),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
