"""Simulate the grid and write `docs/calibration.md`; `--sample` prints the page of the sample instead."""

from __future__ import annotations

import argparse
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from calibrate.figures import Row
from calibrate.grid import FULL, SAMPLE, calibrated, uneven
from calibrate.page import page

__all__ = ["main"]

PAGE = Path(__file__).parent.parent / "docs" / "calibration.md"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sample", action="store_true", help="what continuous integration repeats, to stdout"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes; the page is the same with any number")
    chosen = parser.parse_args()
    scale = SAMPLE if chosen.sample else FULL
    rows: list[Row] = []
    with ProcessPoolExecutor(chosen.jobs) as workers:
        for simulate, places in ((calibrated, scale.places), (uneven, scale.sizes)):
            for place, found in zip(places, workers.map(partial(simulate, scale), places), strict=True):
                rows += found
                print(*place, [row.method for row in found if row.missed], file=sys.stderr, flush=True)
    written = page(rows)
    if scale is SAMPLE:
        print(written)
        return
    PAGE.write_text(written, encoding="utf-8")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{PAGE.name}: {len(rows)} rows, {used.ru_utime + used.ru_stime:.0f} CPU seconds")


if __name__ == "__main__":
    main()
