"""Intake and committer in processes of their own, as with `--only ingest` and `--only worker`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Event as Flag

import pytest
import urllib3

from splitrun.conduct.collecting.assembled import spool_of
from splitrun.conduct.serving.access import make_access_key
from splitrun.errors import BusyError, SplitrunError
from splitrun.store.lake.reading import snapshot
from splitrun.store.lake.tables import Table
from splitrun.store.spool.cipher import ADDED
from splitrun.store.spool.writer import Writer
from tests.conduct.collecting.sending import committer, event, rows, send

Told = Sequence[tuple[int, SplitrunError | None]]


def worker(root: Path) -> None:
    """Bring all that waits into the lake in another process, as a worker does."""
    words = [sys.executable, "-m", "tests.conduct.collecting.killed", str(root), "never", "1"]
    subprocess.run(words, check=True)


@pytest.mark.requirement("R19")
def test_the_cap_sees_what_another_process_let_go_of_though_the_intake_never_rests(tmp_path: Path) -> None:
    file = committer(tmp_path).spool
    parcels = [send([event(number)]) for number in range(2_000)]
    room = len(parcels[-1].body) + ADDED
    told: SimpleQueue[Told] = SimpleQueue()
    writer: Writer[int] = Writer(file, told.put, cap=330 * room)
    for number in range(290):
        writer.offer(parcels[number], number)
    while writer.parcels < 290:
        told.get()

    worker(tmp_path)
    sent = 290
    while writer.parcels > 20:
        # never a second without parcels; a writer that did not count anew would refuse at its cap
        writer.offer(parcels[sent], sent)
        told.get()
        Flag().wait(0.2)
        sent += 1
    writer.close()

    assert rows(tmp_path).num_rows == 290
    assert file.held()[0] == sent - 290


@pytest.mark.requirement("R19")
def test_a_full_spool_takes_events_again_once_another_process_has_emptied_it(tmp_path: Path) -> None:
    file = committer(tmp_path).spool
    parcels = [send([event(number)]) for number in range(40)]
    told: SimpleQueue[Told] = SimpleQueue()
    writer: Writer[int] = Writer(file, told.put, cap=10 * (len(parcels[-1].body) + ADDED))
    for number in range(10):
        writer.offer(parcels[number], number)
    while writer.parcels < 10:
        told.get()
    with pytest.raises(BusyError, match="the committer has to catch up"):
        writer.offer(parcels[10], 10)

    worker(tmp_path)
    while writer.parcels:
        Flag().wait(0.01)
    writer.offer(parcels[10], 10)
    writer.close()

    assert rows(tmp_path).num_rows == 10
    assert file.held()[0] == 1


def test_a_server_that_takes_events_and_one_that_brings_them_into_the_lake_are_two(tmp_path: Path) -> None:
    (tmp_path / "splitrun.yaml").write_text("project: shop\n")
    key = make_access_key("first", ("ingest",), tmp_path).secret
    words = [
        sys.executable,
        "-m",
        "splitrun",
        "serve",
        "--port",
        "0",
        "--json",
        "--folder",
        str(tmp_path),
        "--only",
    ]
    servers = [
        subprocess.Popen([*words, mode], stdout=subprocess.PIPE, text=True, env=os.environ)
        for mode in ("ingest", "worker")
    ]
    try:
        stdout = servers[0].stdout
        assert stdout is not None
        said = ""
        while not said.endswith("}\n"):
            said += stdout.readline()
        url = json.loads(said)["address"]
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

        answer = urllib3.request("POST", f"{url}/v1/events", body=send([event(1)]).body, headers=headers)
        while spool_of(tmp_path).waiting():
            Flag().wait(0.05)
    finally:
        for server in servers:
            server.terminate()
            server.communicate()

    assert answer.status == 202
    lake = tmp_path / "state" / "lake" / "shop" / "production"
    assert len(snapshot(lake, Table.EVENTS).files) == 1
