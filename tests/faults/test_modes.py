from __future__ import annotations

from pathlib import Path
from threading import Event as Flag

import pytest

from tests.faults.ledger import Ledger, clients, kept
from tests.faults.process import Process, new_key


@pytest.mark.requirement("R22", "R23")
def test_intake_and_committer_in_processes_of_their_own_deliver_all_and_drain_when_told_to_end(
    tmp_path: Path,
) -> None:
    key, enough, ledger = new_key(tmp_path), Flag(), Ledger(50)

    with Process(tmp_path, "ingest") as intake, Process(tmp_path, "worker") as worker:
        senders = clients(ledger, 2, intake.port, key, enough)
        while len(ledger.acknowledged) < 40:
            enough.wait(0.05)
        enough.set()
        for one in senders:
            one.join()
        assert intake.end()
        assert worker.end()

    found = kept(tmp_path)
    assert found.keys() == ledger.ids()
    assert set(found.values()) == {1}


@pytest.mark.requirement("R22")
def test_a_spool_at_its_cap_says_when_to_come_again_and_goes_on_once_it_is_emptied(tmp_path: Path) -> None:
    key, enough, ledger = new_key(tmp_path), Flag(), Ledger(100)

    with Process(tmp_path, "ingest", cap=100_000) as intake:
        senders = clients(ledger, 2, intake.port, key, enough)
        while ledger.statuses[429] < 20:
            enough.wait(0.05)
        full = len(ledger.acknowledged)
        with Process(tmp_path, "worker") as worker:
            while len(ledger.acknowledged) < 2 * full:
                enough.wait(0.05)
            enough.set()
            for one in senders:
                one.join()
            assert intake.end()
            assert worker.end()

    found = kept(tmp_path)
    assert full > 0
    assert set(ledger.statuses) == {202, 429}
    assert ledger.unexplained == 0
    assert found.keys() == ledger.ids()
    assert set(found.values()) == {1}
