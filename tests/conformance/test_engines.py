"""What every engine promises. A new engine adds itself to ENGINES and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from splitrun.errors import DataError, EngineError
from splitrun.measure.engine import Engine, Stored
from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.measurement import measure
from splitrun.spec.segment import Segment
from splitrun.spec.source import Exposures, Rows, Source
from tests.measure.plans import WEEK, mean, means, plan, ratio, share

SEEN = pa.table(
    {
        "user": [1, 2, 3, 4, 4, None],
        "variant": ["control", "control", "treatment", "treatment", "control", "control"],
        "moment": ["2026-01-01T00:00:00Z"] * 4 + ["2026-01-02T00:00:00Z"] * 2,
        "country": ["DE", None, "DE", "FR", "FR", "DE"],
    }
)
SOLD = pa.table(
    {
        "user": [1, 1, 3, 3, 9],
        "moment": [
            "2026-01-02T00:00:00Z",
            "2026-01-20T00:00:00Z",
            "2026-01-03",
            "2025-12-01T00:00:00Z",
            "2026-01-03",
        ],
        "amount": [10.0, 5.0, 7.5, 100.0, 1.0],
    }
)
ENGINES: dict[str, Callable[[], Engine]] = {"duckdb": lambda: DuckDB(frames={"seen": SEEN, "sold": SOLD})}


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    made = ENGINES[request.param]()
    yield made
    made.close()


def test_a_source_is_loaded_with_its_columns_and_rows(engine: Engine) -> None:
    seen = engine.load({"seen": Rows(frame="seen")})["seen"]

    assert seen.rows == 6
    assert {field.name: field.stored for field in seen.fields} == {
        "user": Stored.WHOLE,
        "variant": Stored.TEXT,
        "moment": Stored.TEXT,
        "country": Stored.TEXT,
    }


def test_rows_are_kept_under_a_name_and_given_as_arrow(engine: Engine) -> None:
    engine.load({"seen": Rows(frame="seen")})

    engine.keep("_kept", 'SELECT "user" FROM "seen" WHERE "user" > 2')

    assert engine.run('SELECT COUNT(*) AS "n" FROM "_kept"').to_pylist() == [{"n": 3}]


def test_rows_are_added_to_those_kept_and_let_go_of(engine: Engine) -> None:
    engine.load({"seen": Rows(frame="seen")})
    engine.keep("_kept", 'SELECT "user" FROM "seen" WHERE "user" > 3')

    engine.extend("_kept", 'SELECT "user" FROM "seen" WHERE "user" = 1')

    assert engine.run('SELECT COUNT(*) AS "n" FROM "_kept"').to_pylist() == [{"n": 3}]
    engine.forget("_kept")
    with pytest.raises(EngineError):
        engine.run('SELECT COUNT(*) AS "n" FROM "_kept"')


@pytest.mark.parametrize(
    "attack", ["DROP TABLE seen", "SELECT * FROM elsewhere", "SELECT getenv('HOME')", "SELECT 1; SELECT 2"]
)
def test_what_does_more_than_read_its_sources_is_refused(engine: Engine, attack: str) -> None:
    engine.load({"seen": Rows(frame="seen")})

    with pytest.raises(EngineError):
        engine.run(attack)
    with pytest.raises(EngineError):
        engine.keep("_stolen", attack)
    with pytest.raises(EngineError):
        engine.extend("_stolen", attack)


def test_what_is_not_there_is_named(engine: Engine) -> None:
    with pytest.raises(DataError, match="did you mean 'seen'"):
        engine.load({"a": Rows(frame="sen")})


def test_every_engine_gives_these_moments(engine: Engine) -> None:
    planned = plan(
        {
            "revenue": mean("amount", source="o", window=WEEK),
            "bought": share(source="o"),
            "size": ratio("amount", source="o"),
        },
        Exposures(frame="seen", unit="user", variant="variant", time="moment"),
        sources={"o": Source(frame="sold", unit="user", time="moment")},
        segments={"country": Segment(values="country")},
    )

    measured = measure(planned, engine)

    # by hand: units 1, 2 in control and 3, 4 in treatment; 4 met control a day later
    assert measured.exposed.tolist() == [2, 2]
    assert (measured.dirt.crossover_units, measured.dirt.no_unit) == (1, 1)
    assert means(measured, "revenue") == [[2, 5], [2, 3.75]]
    assert means(measured, "bought") == [[2, 0.5], [2, 0.5]]
    control, treatment = measured.by_variant("size")[1]
    assert control.mean[0].tolist() == [7.5, 1]
    assert control.m2[0].tolist() == [[112.5, 15], [15, 2]]
    assert treatment.mean[0].tolist() == [3.75, 0.5]
    assert measured.dirt.events_before == {"o": 1}
    assert measured.dirt.events_unexposed == {"o": 1}
    assert measured.dirt.zoneless == {"o": 2}
    labels, (control, _) = measured.by_variant("revenue", "country")
    assert dict(zip(labels, control.n.tolist(), strict=True)) == {"DE": 1, "FR": 0, "(missing)": 1}
