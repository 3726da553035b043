"""Units that objected, and units that granted nothing, whose records come over OTLP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from splitrun.conduct.collecting.assembled import spool_of
from splitrun.conduct.people.opting import opt_out
from splitrun.sdk.event import Unit
from splitrun.store.lake.tables import Table
from tests.collect.otlp.sending import evaluation, in_json, log, logs
from tests.conduct.lifecycle.shop import KEY, edited
from tests.serve.live import begun, here
from tests.serve.otlp.test_route import OTLP, settled

UNITS = {"granted": "unit-aa", "denied": "unit-bb", "silent": "unit-cc", "odd": "unit-dd"}


def recorded(number: int, unit: str, **said: object) -> LogRecord:
    told: dict[str, Any] = {"enduser__id": unit, "order__total": number, **said}
    return log("order.placed", body=None, **told)


@pytest.mark.parametrize(
    ("privacy", "headers", "kept"),
    [
        ("", {}, ["granted", "silent"]),
        ("privacy: {consent: required}\n", {}, ["granted"]),
        ("", {"Sec-GPC": "1"}, []),
    ],
)
def test_records_are_held_to_what_their_units_allowed(
    tmp_path: Path, privacy: str, headers: dict[str, str], kept: list[str]
) -> None:
    edited(begun(tmp_path), "project: shop\n", OTLP + privacy, "splitrun.yaml")
    export = logs(
        recorded(1, UNITS["granted"], splitrun__consent="granted"),
        recorded(2, UNITS["denied"], splitrun__consent="denied"),
        recorded(3, UNITS["silent"]),
        recorded(4, UNITS["odd"], splitrun__consent=1),
    )
    with here(tmp_path, ("ingest",)) as server:
        told = server.post("/v1/logs", in_json(export), **headers)

    assert (told.status, told.json()) == (200, {})
    values = [one["value"] for one in settled(tmp_path, Table.EVENTS)] if kept else []
    assert sorted(values, key=str) == [list(UNITS).index(name) + 1 for name in kept]
    left_out = [unit.encode() for name, unit in UNITS.items() if name not in kept]
    files = [one.read_bytes() for one in (tmp_path / "state").rglob("*") if one.is_file()]
    assert not [unit for unit in left_out if any(unit in body for body in files)]


def test_nothing_is_kept_of_who_opted_out(tmp_path: Path) -> None:
    edited(begun(tmp_path), "project: shop\n", OTLP, "splitrun.yaml")
    opt_out([Unit("user", "unit-aa")], tmp_path)
    export = logs(recorded(1, "unit-aa"), recorded(2, "unit-bb"))
    with here(tmp_path, ("ingest",)) as server:
        told = server.post("/v1/logs", in_json(export))

    assert (told.status, told.json()) == (200, {})
    assert [one["value"] for one in settled(tmp_path, Table.EVENTS)] == [2]


def test_evaluations_of_a_unit_that_never_granted_are_no_withdrawals(tmp_path: Path) -> None:
    begun(tmp_path)
    told_of = {"splitrun.experiment": KEY, "splitrun.experiment_version": 1, "splitrun.consent": "denied"}
    again = [evaluation(**told_of, **{"feature_flag.context.id": f"unit-{n}"}) for n in range(3)]
    with here(tmp_path, ("ingest",)) as server:
        told = server.post("/v1/logs", in_json(logs(*again)))

    assert (told.status, told.json()) == (200, {})
    counted = {reason: times for *_, reason, times in spool_of(tmp_path).counts()}
    assert counted == {"consent denied": 3}
