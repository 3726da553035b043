"""Audiences from files mean the same to clients and in SQL."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from sqlglot import exp

from splitrun.assign.evaluation import Detail
from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import Serve
from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.sql import column, relation, select
from splitrun.spec.source import Rows
from splitrun.terms.rendering import Bound, rendered
from splitrun.terms.tree import Kind, Tree
from tests.plan.shop import compiled_shop

CONDITIONS = {
    "where": "dach and grown",
    "either": "dach and (plan = 'pro' or age / visits < 2)",
    "version": "semver(app) >= semver('5.2.0-rc.1')",
    "text": "lower(plan) like 'p%' or ends_with(app, '0') or length(country) <> 2",
    "missing": "not (beta or plan = 'free') or country is null",
    "odd": "coalesce(visits, age, 0) % 3 = 1 and beta is not true",
    "since": "joined between date('2026-01-01') and date('2026-02-01')",
    "found": "regexp_matches(app, '^5[.][0-9]+[.]0$')",
}
AUDIENCES = """\
audiences:
  dach: "country in ('DE', 'AT', 'CH')"
  grown: "age >= 18 and not (age > 99)"
flags:
""" + "".join(
    f'  {key}: {{type: boolean, default: off, rules: [{{serve: on, when: "{condition}"}}]}}\n'
    for key, condition in CONDITIONS.items()
)

KINDS = {
    "country": Kind.TEXT,
    "age": Kind.NUMBER,
    "plan": Kind.TEXT,
    "app": Kind.TEXT,
    "visits": Kind.NUMBER,
    "beta": Kind.BOOLEAN,
    "joined": Kind.TIME,
}


def contexts(count: int) -> list[dict[str, object]]:
    dice = random.Random(20260302)  # noqa: S311 - contexts, not secrets
    start = datetime(2025, 12, 1, tzinfo=UTC)

    def one() -> dict[str, object]:
        drawn: dict[str, object] = {
            "country": dice.choice(["DE", "AT", "CH", "FR", "de", "", "ÖS", "Ĳ"]),
            "age": dice.choice([0, 17, 18, 18.5, 64, 99, 100, -1, 1e300]),
            "plan": dice.choice(["pro", "free", "Pro", "PLUS", "pro ", "%"]),
            "app": dice.choice(
                ["5.2.0", "5.2.0-rc.1", "5.2.0-rc.0", "5.10.0", "4.9.9", "5.2", "v5", "5.1.0"]
            ),
            "visits": dice.choice([0, 1, 2, 7, 10, 0.5]),
            "beta": dice.choice([True, False]),
            "joined": start + timedelta(hours=dice.randrange(3_000)),
        }
        return {name: value for name, value in drawn.items() if dice.random() > 0.15}

    return [one() for _ in range(count)]


def in_sql(trees: Mapping[str, Tree], rows: list[dict[str, object]]) -> dict[str, list[bool]]:
    types = {Kind.TEXT: pa.string(), Kind.NUMBER: pa.float64(), Kind.BOOLEAN: pa.bool_()}
    columns = {
        name: pa.array([row.get(name) for row in rows], types.get(kind, pa.timestamp("us", "UTC")))
        for name, kind in KINDS.items()
    }
    table = pa.table({"row": pa.array(range(len(rows))), **columns})
    bound = {name: Bound(exp.paren(column(name, "c")), kind) for name, kind in KINDS.items()}
    named = [(key, exp.paren(rendered(tree, bound))) for key, tree in trees.items()]
    query = select(named, relation("contexts", "c")).order_by(column("row", "c"))
    with DuckDB(frames={"contexts": table}) as engine:
        engine.load({"contexts": Rows(frame="contexts")})
        found = engine.run(query.sql(dialect=engine.dialect)).to_pydict()
    return {key: [value is True for value in values] for key, values in found.items()}


@pytest.mark.requirement("R03")
def test_ten_thousand_contexts_are_in_the_same_audiences_for_clients_and_in_sql() -> None:
    ruleset = compiled_shop({"flags/f.yaml": AUDIENCES})
    whens = {key: rule.when for key in CONDITIONS for rule in ruleset.flags[key].rules if type(rule) is Serve}
    trees = {key: when for key, when in whens.items() if when is not None}
    rows = contexts(10_000)
    assert list(trees) == list(CONDITIONS)

    evaluator = Evaluator(ruleset)
    ours = {
        key: [evaluator.evaluate(key, "u", row).detail is Detail.RULE for row in rows] for key in CONDITIONS
    }

    assert ours == in_sql(trees, rows)
    for key, members in ours.items():
        assert 300 < sum(members) < 9_700, f"{key} tells nobody from anybody"
