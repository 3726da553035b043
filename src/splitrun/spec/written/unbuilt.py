"""What is specified and not built yet, refused by name: ignored, it would change what a readout says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from splitrun.spec.written.document import Document, Path, Value
from splitrun.spec.written.wording import Faults

__all__ = ["EXPERIMENT", "METRICS", "PACK", "PROJECT", "Rule", "unbuilt"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A key, or some of its values, that cannot be had yet."""

    path: tuple[str, ...]
    """Steps from the top; `*` stands for any."""
    remedy: str
    values: frozenset[str] | None = None
    """The values that are not built; None: the key itself."""
    covers: int = 0
    """How many steps up nothing else is worth saying."""


def metric_rules(*path: str) -> tuple[Rule, ...]:
    """What cannot be had of a metric defined at a path."""
    remedy = "write share, mean, ratio, distinct, retention, quantile or active_days"
    return (Rule((*path, "kind"), remedy, frozenset({"funnel", "survival"}), covers=1),)


EXPERIMENT = (
    Rule(
        ("analysis", "method"),
        "write group_sequential, fixed, sequential or hybrid",
        frozenset({"bayesian"}),
    ),
    Rule(("analysis", "ship_on"), "take it out; no decision is made yet"),
    Rule(("metrics", "signals"), "take it out, or make them diagnostic metrics"),
    Rule(("moments", "lake"), "name the sums by csv, parquet, table, query or frame"),
    *metric_rules("metrics", "*", "*"),
    *metric_rules("metrics", "*", "*", "metric"),
)
METRICS = metric_rules("metrics", "*")
PACK = metric_rules("definitions", "metrics", "*")
ENGINES = frozenset(
    {"spark", "postgres", "snowflake", "bigquery", "databricks", "clickhouse", "trino", "redshift"}
)
PROJECT = (Rule(("engine",), "write duckdb", ENGINES),)


def unbuilt(document: Document, rules: tuple[Rule, ...]) -> Faults:
    """Find what a document asks for that is specified but not built yet."""
    found: Faults = []
    for rule in rules:
        for path, value in matches(document.value, rule.path):
            name = value.split(":")[0] if type(value) is str else ""
            if rule.values is not None and name not in rule.values:
                continue
            says = f"{f'`{path[-1]}`' if rule.values is None else value} is specified but not built yet"
            at_key = rule.values is None
            found.append(
                (path[: len(path) - rule.covers], document.mistake(path, says, rule.remedy, at_key=at_key))
            )
    return found


def matches(value: Value, pattern: tuple[str, ...], path: Path = ()) -> Iterator[tuple[Path, Value]]:
    """Find the values whose path fits a pattern."""
    if not pattern:
        yield path, value
        return
    step, *rest = pattern
    match value:
        case dict():
            for key in value if step == "*" else [step] if step in value else []:
                yield from matches(value[key], tuple(rest), (*path, key))
        case tuple() if step == "*":
            for index, part in enumerate(value):
                yield from matches(part, tuple(rest), (*path, index))
