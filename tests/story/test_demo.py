"""`splitrun demo`, whole: a real server in a process of its own, the real client, and what is read of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyarrow.parquet import read_table

from splitrun.conduct.demo.loop import demo, passed
from splitrun.conduct.demo.process import running
from splitrun.conduct.desk import Desk
from splitrun.conduct.registry.place import URL
from splitrun.conduct.serving.access import access_of
from splitrun.errors import SpecError, StoreError
from splitrun.store.lake.reading import snapshot
from splitrun.store.lake.tables import Table
from tests.serve.live import answers

PLANTED = 0.10
"""Percentage points by which more visitors buy; written in `conduct/demo/visitors.py`."""


PATIENT = """
import sys
from splitrun.conduct.demo import loop
loop.passed = lambda window, since, desk: since + window  # the window of the last visitor is not waited for
from splitrun.__main__ import main
main()
"""


def later() -> datetime:
    """The clock of somebody who has waited already."""
    return datetime.now(UTC) + timedelta(minutes=5)


def test_the_demo_finds_the_effect_that_was_planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL, raising=False)
    told: list[str] = []

    done = demo(tmp_path / "shop", desk=Desk(now=later, progress=told.append))

    found = {one["metric"]: one for one in json.loads(done.readout.to_json())["estimates"]}
    effect = found["purchased"]["absolute"]
    assert 0 < effect["low"] < PLANTED < effect["high"]
    assert found["purchased"]["verdict"] == "better"
    assert done.chain.fine
    lake = tmp_path / "shop" / "state" / "lake" / "demo-shop" / "production"
    tables = (Table.EXPOSURES, Table.EVENTS)
    rows = [read_table(file).num_rows for table in tables for file in snapshot(lake, table).files]
    assert sum(rows) == done.sent
    assert any("4,000 of 4,000 visitors" in one for one in told)


def test_a_demo_that_is_kept_tells_its_key_in_json_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != URL}
    words = [sys.executable, "-c", PATIENT, "demo", "--keep", "--json", "--visitors", "1000"]
    with subprocess.Popen(
        [*words, "--folder", str(tmp_path / "shop")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            told, listening = answers(process, 2)
            process.send_signal(signal.SIGINT)  # as soon as the address is told
            rest, errors = process.communicate(timeout=60)
        finally:
            process.kill()

    assert (told["form"], listening["form"]) == ("splitrun.demo/1", "splitrun.serving/1")
    assert access_of(tmp_path / "shop").holder(told["key"]) is not None
    assert process.returncode == 0, errors
    assert rest == ""


def test_a_registry_that_the_environment_names_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL, "sqlite:///elsewhere.db")

    with pytest.raises(SpecError, match="names a registry"):
        demo(tmp_path / "shop")

    assert not (tmp_path / "shop").exists()


def test_a_server_that_does_not_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="did not start"), running(tmp_path):
        pass


def test_a_window_is_waited_for_until_it_has_passed() -> None:
    moments = iter([0.0, 0.01, 0.02])
    begun = datetime(2026, 3, 2, tzinfo=UTC)
    told: list[str] = []
    desk = Desk(now=lambda: begun + timedelta(seconds=next(moments)), progress=told.append)

    until = passed(timedelta(seconds=0.015), begun, desk)

    assert until == begun + timedelta(seconds=0.015)
    assert len(told) == 2
