from __future__ import annotations

import random
from pathlib import Path
from threading import Event as Flag

import pytest

from tests.faults.ledger import Ledger, clients, kept
from tests.faults.process import Process, new_key
from tests.faults.proxy import Proxy
from tests.faults.sizes import sized

BATCHES = sized(60, 1_500)


@pytest.mark.requirement("R22", "R23")
def test_resets_before_the_answer_and_lost_requests_lose_nothing_and_count_nothing_twice(
    tmp_path: Path,
) -> None:
    dice = random.Random(12)  # noqa: S311  # a fixed world, no secret
    key, enough, ledger = new_key(tmp_path), Flag(), Ledger(20)

    with Process(tmp_path) as server, Proxy(server.port, dice, delay=0.002, lost=0.3, cut=0.3) as way:
        senders = clients(ledger, 4, way.port, key, enough)
        while len(ledger.acknowledged) < BATCHES:
            enough.wait(0.05)
        enough.set()
        for one in senders:
            one.join()
        assert server.end()

    found = kept(tmp_path)
    assert way.cuts > BATCHES // 10
    assert way.losses > BATCHES // 10
    assert found.keys() == ledger.ids()
    assert set(found.values()) == {1}


@pytest.mark.requirement("R22")
def test_a_way_of_two_seconds_delivers_each_event_once(tmp_path: Path) -> None:
    key, enough, ledger = new_key(tmp_path), Flag(), Ledger(10)

    with Process(tmp_path) as server, Proxy(server.port, random.Random(1), delay=1.0) as way:  # noqa: S311  # a fixed world, no secret
        senders = clients(ledger, 4, way.port, key, enough)
        while len(ledger.acknowledged) < 4:
            enough.wait(0.05)
        enough.set()
        for one in senders:
            one.join()
        assert server.end()

    found = kept(tmp_path)
    assert found.keys() == ledger.ids()
    assert set(found.values()) == {1}
