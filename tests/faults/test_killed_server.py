from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import median
from threading import Event as Flag

import pytest

from tests.faults.ledger import Ledger, clients, kept
from tests.faults.process import Process, new_key
from tests.faults.sizes import figures, sized

KILLS = sized(4, 50)
EVENTS = sized(4_000, 200_000)
READY = 5.0
"""Seconds in which a killed server is ready again (R1); asserted in the full run, on a machine of its own."""


@pytest.mark.requirement("R22", "R23")
def test_a_server_killed_under_load_loses_nothing_and_counts_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(20261122)  # noqa: S311  # a fixed world, no secret
    key, enough, ledger = new_key(tmp_path), Flag(), Ledger(100)
    took: list[float] = []

    with Process(tmp_path) as server:
        senders = clients(ledger, 4, server.port, key, enough)
        for _ in range(KILLS):
            enough.wait(dice.uniform(0.0, 1.5))
            server.kill()
            with closing(sqlite3.connect(tmp_path / "state" / "spool.db")) as spool:
                assert spool.execute("pragma integrity_check").fetchone() == ("ok",)
            took.append(server.start())
        while len(ledger.acknowledged) * ledger.size < EVENTS:
            enough.wait(0.1)
        enough.set()
        for one in senders:
            one.join()
        assert server.end()

    found, sent = kept(tmp_path), ledger.ids()
    lost, twice = sent - found.keys(), [name for name, times in found.items() if times > 1]
    figures(
        capsys,
        f"R1: {KILLS} kills, {len(sent):,} events answered for, {ledger.again:,} tries again, "
        f"{len(lost)} lost, {len(twice)} twice; "
        f"ready again in {median(took):.1f} s (median), {max(took):.1f} s at most",
    )
    assert len(sent) >= EVENTS
    assert not lost
    assert not twice
    assert found.keys() == sent  # every client stopped only when its last batch was answered for
    assert max(took) <= sized(60, int(READY))
