"""What tea-tasting answers about a table of units; run by the interpreter of its own environment.

Reads the question as JSON from standard input: the table's file, its parts, and what to ask. Answers as JSON.
"""

from __future__ import annotations

import json
import sys

import pandas as pd
import tea_tasting as tt

MEAN = {
    "spent": tt.Mean("spent"),
    "bought": tt.Mean("bought"),
    "order_value": tt.RatioOfMeans("spent", "orders"),
}
CUPED = {
    "spent": tt.Mean("spent", "before"),
    "bought": tt.Mean("bought", "before"),
    "order_value": tt.RatioOfMeans("spent", "orders", "before"),
}


def effects(table: pd.DataFrame, metrics: dict[str, tt.Mean]) -> dict[str, dict[str, float]]:
    """Every metric's answer, number by number."""
    found = tt.Experiment(metrics, variant="variant").analyze(table, control="control")
    return {key: dict(found[key]._asdict()) for key in metrics}


def split(seen: list[int], ratio: float) -> float:
    """p of the sample ratio."""
    table = pd.DataFrame({"variant": [0] * seen[0] + [1] * seen[1]})
    metric = tt.SampleRatio(ratio, method="norm", correction=False)
    return float(metric.analyze(table, 0, 1, "variant").pvalue)


def power(values: list[float], effect: float, level: float) -> float:
    """Power of a one-sided z test of the mean over units split in halves."""
    metric = tt.Mean(
        "x", alternative="greater", use_t=False, confidence_level=level, alpha=1 - level, effect_size=effect
    )
    (found,) = metric.solve_power(pd.DataFrame({"x": values}), "power")
    return float(found.power)


def main() -> None:
    """Answer the question on standard input."""
    question = json.load(sys.stdin)
    table = pd.read_csv(question["table"])
    answer = {
        "plain": effects(table, MEAN),
        "cuped": effects(table, CUPED),
        "mirrored": effects(pd.read_csv(question["mirrored"]), CUPED),
        "split": [split(seen, ratio) for seen, ratio in question["splits"]],
        "power": [power(question["values"], effect, question["level"]) for effect in question["effects"]],
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
