"""How dear an evaluation is: Splitrun beside the bare hash, which is the limit, and beside peers.

Run by `python -m bench.evaluate`. All ways that can share a process are asked in turns of units that none has
seen; every peer runs in its own environment (`make peers`) with the limit beside it, so that ratios within a
process are compared. CPU time of the thread; medians of the rounds. `--quick` is a small run.

A peer is a line in PEERS, a list of what it needs in `bench/peers/NAME.txt` and a program
`bench/peers/NAME.py` that hands its ways to `bench.evaluating.told`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

from bench.evaluating import COUNTRIES, Ask, rounds

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import WHOLE, Arm, Experiment, Flag, Ruleset, Run, Type
from splitrun.assign.slots import edge, sha256, threshold
from splitrun.terms.parse import parse

ROOT = Path(__file__).parent.parent
PEERS: tuple[str, ...] = ()
"""Names of peers; each is left out, and said to be, where its environment was not made."""

LIMIT = "bare sha256 and compare"
SALT = "variant:bench:1"


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio that is promised."""

    way: str
    over: str
    at_most: float


GOALS = (
    Goal("splitrun, plain 50/50", LIMIT, 2.5),
    Goal("splitrun, three conditions", LIMIT, 2.5),
)


def limit() -> Ask:
    """Hash the salt and the unit, and compare: what no evaluation by SHA-256 can do without."""
    prefix, half = f"{SALT}:".encode(), edge(WHOLE // 2)
    return lambda unit, _given: sha256(prefix + unit.encode()).digest() < half


def through_openssl() -> Ask:
    """The same through hashlib, as most write it."""
    return lambda unit, _given: (
        int(hashlib.sha256(f"{SALT}:{unit}".encode()).hexdigest()[:8], 16) < WHOLE // 2
    )


def evaluator() -> Evaluator:
    """Two flags of two halves, one of them behind three conditions."""
    texts = ", ".join(f"'{country}'" for country in COUNTRIES)
    audience = parse(f"country in ({texts}) and age >= 18 and plan = 'pro'")
    arms = (Arm("control", "off", threshold(Fraction(1, 2))), Arm("treatment", "on", WHOLE))
    return Evaluator(
        Ruleset(
            "bench",
            "production",
            1,
            {"user": "user_id"},
            flags={
                key: Flag(Type.BOOLEAN, "user", {"off": False, "on": True}, "off", rules=(Run(key),))
                for key in ("plain", "targeted")
            },
            experiments={
                "plain": Experiment("plain", "user", 1, 1, SALT, arms),
                "targeted": Experiment("targeted", "user", 1, 1, SALT, arms, audience=audience),
            },
        )
    )


def ours() -> dict[str, Ask]:
    """Our ways and the limit."""
    evaluate = evaluator().evaluate
    asks: dict[str, Ask] = {
        "empty call": lambda _unit, _given: None,
        LIMIT: limit(),
        "hashlib and a number": through_openssl(),
        "splitrun, plain 50/50": partial(evaluate, "plain"),
        "splitrun, three conditions": partial(evaluate, "targeted"),
    }
    check(asks)
    return asks


def check(asks: dict[str, Ask]) -> None:
    """All ways agree before any is timed: the limit is true in the first half, a flag in the second."""
    given: dict[str, object] = {"country": "DE", "age": 30, "plan": "pro"}
    evaluate = evaluator().evaluate
    for number in range(1_000):
        unit = f"user-{number}"
        first = bool(asks[LIMIT](unit, given))
        for flag in ("plain", "targeted"):
            found = evaluate(flag, unit, given)
            if found.value is first or found.experiment != flag:
                sys.exit(f"the ways disagree about {unit}: {found}")


def of_peers(units: int, count: int) -> tuple[dict[str, list[float]], list[str]]:
    """Run every peer in its environment; what they took, and who was left out."""
    took: dict[str, list[float]] = {}
    missing = []
    for place, name in enumerate(PEERS, start=1):
        python = ROOT / "bench" / "peers" / name / "bin" / "python"
        if not python.exists():
            missing.append(name)
            continue
        program = ROOT / "bench" / "peers" / f"{name}.py"
        command = [str(python), str(program), str(units), str(count), str(place * 100_000_000)]
        said = subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout
        took |= json.loads(said)
    return took, missing


def ratio(took: dict[str, list[float]], way: str, over: str) -> float:
    """A way over another, round by round; the median."""
    return statistics.median(one / other for one, other in zip(took[way], took[over], strict=True))


def table(took: dict[str, list[float]]) -> str:
    """All ways beside the limit, and the goals, as Markdown."""
    out = ["| way | µs of CPU | over the limit |", "|---|---|---|"]
    for way, rounds_of in took.items():
        over = f"{ratio(took, way, LIMIT):.2f}"
        out.append(f"| {way} | {1e6 * statistics.median(rounds_of):.2f} | {over} |")
    out += ["", "| what | goal | figure | holds |", "|---|---|---|---|"]
    for goal in GOALS:
        found = ratio(took, goal.way, goal.over)
        holds = "yes" if found <= goal.at_most else "no"
        out.append(f"| {goal.way} over {goal.over} | ≤ {goal.at_most} | {found:.2f} | {holds} |")
    return "\n".join(out)


def main() -> None:
    """Ask all ways in turns and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=50_000, help="in one round of one way")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--quick", action="store_true", help="10,000 units, 3 rounds")
    asked = parser.parse_args()
    units, count = (10_000, 3) if asked.quick else (asked.units, asked.rounds)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    took = rounds(ours(), units, count)
    peers, missing = of_peers(units, count)
    head = (
        f"{units:,} units in a round, {count} rounds, no unit twice; {platform.machine()}, "
        f"CPython {platform.python_version()}"
    )
    left_out = f"\nleft out, run `make peers` first: {', '.join(missing)}\n" if missing else ""
    sys.stdout.write(f"{head}\n{left_out}\n{table(took | peers)}\n")


if __name__ == "__main__":
    main()
