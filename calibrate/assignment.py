"""How evenly units are dealt, and how independently: the part of the page on assignment that is measured.

`python -m calibrate.assignment` deals ten million ids under a hundred salts with the product's own SQL and
writes the table between the marks of `docs/assignment.md`. What continuous integration repeats is SAMPLE.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
from scipy import stats
from sqlglot import exp

from splitrun.assign.slots import sha256
from splitrun.measure.assignment import below, slot_hex
from splitrun.moments import FloatArray

__all__ = ["FULL", "SAMPLE", "Dealing", "Scale", "avalanche", "dealt", "evenness", "section", "together"]

PAGE = Path(__file__).parent.parent / "docs" / "assignment.md"
MARKS = ("<!-- measured: begin -->", "<!-- measured: end -->")

BUCKETS = 10_000
HALF = 2**31
UNIT = exp.column("unit", quoted=True)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is dealt."""

    salts: int
    ids: int
    """Under each salt, to be counted in buckets."""
    pairs: int
    """Under all salts, to be held against each other."""
    flips: int
    """Ids of which every bit is turned."""


FULL = Scale(100, 10_000_000, 1_000_000, 2_000)
SAMPLE = Scale(20, 200_000, 50_000, 200)


@dataclass(frozen=True, slots=True)
class Dealing:
    """What was found."""

    scale: Scale
    uniform: FloatArray
    """p of a chi-square test of the buckets, for each salt."""
    z: FloatArray
    """Correlation of the halves under two salts in standard errors, for each pair."""
    changed: float
    """Part of the slot's bits that change when one bit of the id does."""
    extremes: tuple[float, float]
    """The same for the bit of the slot that changes least, and most."""

    @property
    def evenness(self) -> float:
        """The p of the p values being uniform (Kolmogorov-Smirnov)."""
        return float(stats.kstest(self.uniform, "uniform").pvalue)

    @property
    def independence(self) -> float:
        """The p of the correlations being standard normal (Kolmogorov-Smirnov)."""
        return float(stats.kstest(self.z, "norm").pvalue)


def salts(count: int) -> list[str]:
    """Name salts as experiments do."""
    return [f"variant:experiment-{place}:1" for place in range(count)]


def ids(count: int) -> str:
    """Write the ids as a table of DuckDB's: numbers in a row, as products give them."""
    return f"(SELECT 'user-' || i AS unit FROM range({count}) r(i))"  # noqa: S608  # a number of our own


def evenness(count: int, salt: str) -> float:
    """Count ids in buckets of equal width; the p of a chi-square test."""
    digits = exp.func("left", slot_hex(salt, UNIT), exp.Literal.number(8)).sql("duckdb")
    bucket = f"(('0x' || {digits})::UBIGINT * {BUCKETS}) >> 32"
    with duckdb.connect(config={"threads": 1}) as engine:
        rows = engine.execute(f"SELECT {bucket} AS b, count(*) FROM {ids(count)} GROUP BY b").fetchall()  # noqa: S608  # our own names
    seen = np.zeros(BUCKETS)
    for place, units in rows:
        seen[place] = units
    return float(stats.chisquare(seen).pvalue)


def together(count: int, names: Sequence[str]) -> FloatArray:
    """Hold the halves under every two salts against each other; correlations in standard errors."""
    halves = [
        f"{below(slot_hex(salt, UNIT), HALF).sql('duckdb')} AS h{place}" for place, salt in enumerate(names)
    ]
    with duckdb.connect(config={"threads": 1}) as engine:
        found = engine.execute(f"SELECT {', '.join(halves)} FROM {ids(count)}").fetchnumpy()  # noqa: S608  # our own names
    signs = (
        np.stack([np.asarray(found[f"h{place}"]) for place in range(len(names))]).astype(np.float32) * 2 - 1
    )
    products = signs @ signs.T / np.sqrt(count)
    upper: FloatArray = products[np.triu_indices(len(names), k=1)].astype(np.float64)
    return upper


def avalanche(count: int) -> tuple[float, float, float]:
    """Turn every bit of ids, one at a time; the parts of the slot's bits that change: mean, least, most."""
    changed = np.zeros(32)
    turned = 0
    for place in range(count):
        unit = f"user-{place}".encode()
        before = _slot(unit)
        for bit in range(8 * len(unit)):
            other = bytearray(unit)
            other[bit // 8] ^= 1 << (bit % 8)
            difference = before ^ _slot(bytes(other))
            changed += [difference >> bit & 1 for bit in range(32)]
            turned += 1
    parts = changed / turned
    return float(parts.mean()), float(parts.min()), float(parts.max())


def _slot(unit: bytes) -> int:
    return int.from_bytes(sha256(b"variant:experiment-0:1:" + unit).digest()[:4])


def dealt(scale: Scale, jobs: int = 1) -> Dealing:
    """Deal, count, and compare."""
    names = salts(scale.salts)
    with ProcessPoolExecutor(jobs) as workers:
        uniform = np.array(list(workers.map(partial(evenness, scale.ids), names)))
    changed, least, most = avalanche(scale.flips)
    return Dealing(scale, uniform, together(scale.pairs, names), changed, (least, most))


def section(found: Dealing) -> str:
    """Write what was found as a table."""
    scale, low, high = found.scale, *found.extremes
    uniform, z = found.uniform, found.z
    rows = {
        f"{scale.ids:,} ids in {BUCKETS:,} buckets under each of {scale.salts} salts": (
            f"p of chi-square from {uniform.min():.3f} to {uniform.max():.3f}; "
            f"p of their being uniform {found.evenness:.2f}"
        ),
        f"halves of {scale.pairs:,} ids under each two of the salts ({len(z):,} pairs)": (
            f"standard deviation of z {z.std():.3f}, largest {np.abs(z).max():.2f}; "
            f"p of their being standard normal {found.independence:.2f}"
        ),
        f"each bit of {scale.flips:,} ids turned": (
            f"{100 * found.changed:.2f} % of the slot's bits change, "
            f"from {100 * low:.2f} to {100 * high:.2f} % by bit"
        ),
    }
    return "\n".join(
        ["| dealt | found |", "|---|---|", *(f"| {what} | {said} |" for what, said in rows.items())]
    )


def main() -> None:
    """Deal at full scale and write the table into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--jobs", type=int, default=2, help="processes; the table is the same with any number"
    )
    table = section(dealt(FULL, parser.parse_args().jobs))
    begin, end = map(re.escape, MARKS)
    written = re.sub(
        f"{begin}.*{end}", f"{MARKS[0]}\n{table}\n{MARKS[1]}", PAGE.read_text("utf-8"), flags=re.DOTALL
    )
    PAGE.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
