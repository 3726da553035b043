"""tea-tasting from a ready table of units, looped over the segments; run by its own interpreter.

Prints CPU seconds, peak memory and what it found as JSON. The table is read by DuckDB through Ibis, or by
Polars into memory, whichever is asked for: of its back-ends the two that take the least CPU and
memory here (pandas takes about three times as much). Each group is a filter, as its documentation has it.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import ibis
import polars as pl
import tea_tasting as tt

SEGMENTS = ("country", "channel", "plan", "device", "loyal")
MEANS = ("purchased", "carted", "searched", "failed", "revenue", "revenue14", "views", "big")
RATIOS = ("order_value", "cart_value")


def main(path: str, backend: str) -> None:
    """Analyse the whole and each level of each segment."""
    before, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    if backend == "polars":
        rows = pl.read_parquet(path)
        levels = {segment: rows[segment].unique().to_list() for segment in SEGMENTS}
    else:
        rows = ibis.duckdb.connect(threads=1).read_parquet(path)
        levels = {
            segment: rows.select(segment).distinct().to_pandas()[segment].to_list() for segment in SEGMENTS
        }
    metrics = {key: tt.Mean(key, covariate="before") for key in MEANS}
    metrics |= {key: tt.RatioOfMeans(f"{key}_over", f"{key}_under", "before") for key in RATIOS}
    experiment = tt.Experiment(metrics, variant="variant")
    whole = experiment.analyze(rows, control="control")
    groups = 1
    for segment in SEGMENTS:
        column = pl.col(segment) if backend == "polars" else rows[segment]
        for level in sorted(levels[segment]):
            experiment.analyze(rows.filter(column == level), control="control")
            groups += 1
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    effects = {key: [whole[key].effect_size, whole[key].effect_size_ci_lower] for key in metrics}
    took = {"cpu": cpu, "wall": time.perf_counter() - wall, "peak": after.ru_maxrss / 1024}
    sys.stdout.write(json.dumps(took | {"groups": groups, "found": effects}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
