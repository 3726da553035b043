"""Declared properties: columns of their own, whose type stays what it was."""

from __future__ import annotations

import logging
from pathlib import Path

import pyarrow as pa
import pytest
from msgspec.structs import replace

from splitrun.collect.properties import Declared
from splitrun.conduct.collecting.assembled import committer_of
from splitrun.conduct.workspace import workspace
from splitrun.errors import StoreError
from splitrun.sdk.event import Event
from splitrun.store.lake.delta import Mark
from splitrun.store.lake.tables import Table
from splitrun.terms.tree import Kind
from tests.conduct.collecting.sending import committer, event, put, rows, send

NUMBER: Declared = {"amount": Kind.NUMBER}


def sold(number: int, **properties: str | float | bool) -> Event:
    return replace(event(number), properties=properties)


def flushed(root: Path, declared: Declared, *events: Event) -> None:
    one = committer(root, declared=declared)
    put(one, send(events))
    one.flush()
    one.close()


def cells(root: Path, *names: str) -> list[tuple[object, ...]]:
    found = sorted(rows(root).to_pylist(), key=lambda row: str(row["event_id"]))
    return [tuple(row.get(name) for name in names) for row in found]


def test_a_declared_property_gets_a_column_and_the_rest_stays_in_the_json(tmp_path: Path) -> None:
    flushed(tmp_path, {}, sold(1, amount=5))
    flushed(tmp_path, NUMBER, sold(2, amount=7.5, note="gift"), sold(3, amount="seven"))
    flushed(tmp_path, {**NUMBER, "first": Kind.BOOLEAN}, sold(4, amount=1, first=True))

    assert cells(tmp_path, "p_amount", "p_first", "properties") == [
        (None, None, '{"amount":5}'),
        (7.5, None, '{"note":"gift"}'),
        (None, None, '{"amount":"seven"}'),
        (1.0, True, None),
    ]


@pytest.mark.parametrize(
    ("later", "column"), [({"amount": Kind.TEXT}, "p_amount"), ({"Amount": Kind.NUMBER}, "p_amount")]
)
def test_a_column_keeps_its_type_and_what_is_declared_otherwise_stays_in_the_json(
    tmp_path: Path, later: Declared, column: str, caplog: pytest.LogCaptureFixture
) -> None:
    flushed(tmp_path, NUMBER, sold(1, amount=5))
    (name,) = later

    with caplog.at_level(logging.WARNING):
        flushed(tmp_path, later, sold(2, **{name: "6"}))

    assert cells(tmp_path, "p_amount", "properties") == [(5.0, None), (None, f'{{"{name}":"6"}}')]
    assert f"and the column {column} of the lake holds double; its values stay in the JSON" in caplog.text


def test_rows_of_another_type_never_reach_a_table(tmp_path: Path) -> None:
    flushed(tmp_path, NUMBER, sold(1, amount=5))
    table = committer(tmp_path).quarters.table("shop", "production", Table.EVENTS)
    ours = rows(tmp_path).drop_columns(["sequence"])
    texts = ours.set_column(ours.column_names.index("p_amount"), "p_amount", pa.array(["5"]))
    new = texts.set_column(texts.column_names.index("event_id"), "event_id", pa.array(["another"]))

    with pytest.raises(StoreError, match="p_amount holds double, and string came"):
        table.append(new, Mark("another", 1))

    assert rows(tmp_path).num_rows == 1


def test_a_project_declares_properties_in_its_settings(tmp_path: Path) -> None:
    settings = tmp_path / "splitrun.yaml"
    settings.write_text("project: shop\nproperties: {amount: number}\n")
    one = committer_of(tmp_path)
    put(one, send([sold(1, amount=5)]))

    one.flush()

    events = one.quarters.table("shop", "production", Table.EVENTS)
    assert events.types()["p_amount"] == pa.float64()
    settings.write_text("project: shop\nproperties: {amount: number, Amount: text}\n")
    (told,) = workspace(tmp_path, ("splitrun.yaml",)).says.mistakes
    assert "'amount' and 'Amount' would be one column" in str(told)
