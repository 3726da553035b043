"""R6: somebody else holds the spool's write lock; PostgreSQL ends backends, and begins again."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from threading import Event as Flag

import psycopg
import pytest
from deltalake import DeltaTable

from splitrun.conduct.lifecycle.moving import move
from splitrun.conduct.registry.place import URL
from splitrun.govern.lifecycle.table import Verb
from tests import postgres
from tests.conduct.lifecycle.shop import KEY, asked
from tests.faults.ledger import Ledger, clients, kept
from tests.faults.process import Process, new_key
from tests.faults.shop import ruleset, running_shop
from tests.faults.sizes import FULL, figures, sized

HELD = sized(4, 30)
"""Seconds."""
QUEUE, BACK = 2.0, 5.0
"""Seconds until a refusal, and until all works again (R6)."""
TURNS = sized(1, 10)


def threads(server: Process) -> int:
    """Count the threads of a server."""
    assert server.running is not None
    return len(list(Path(f"/proc/{server.running.pid}/task").iterdir()))


@pytest.mark.requirement("R22")
def test_a_lock_that_somebody_holds_is_told_in_two_seconds_and_leaves_no_thread_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, enough, ledger = new_key(tmp_path), Flag(), Ledger(10)

    with Process(tmp_path) as server:
        senders = clients(ledger, 8, server.port, key, enough)
        events = tmp_path / "state" / "lake" / "shop" / "production" / "events"
        while not (
            DeltaTable.is_deltatable(str(events)) and kept(tmp_path)
        ):  # whoever writes has its threads
            enough.wait(0.2)
        before = threads(server)
        with closing(
            sqlite3.connect(tmp_path / "state" / "spool.db", timeout=30, isolation_level=None)
        ) as held:
            held.execute("begin immediate")
            enough.wait(HELD)
            held.execute("rollback")
        since, answered = time.monotonic(), len(ledger.acknowledged)
        while len(ledger.acknowledged) == answered:
            enough.wait(0.02)
        back = time.monotonic() - since
        after = threads(server)
        enough.set()
        for one in senders:
            one.join()
        assert server.end()

    found = kept(tmp_path)
    figures(
        capsys,
        f"R6: a lock held {HELD} s: {dict(ledger.statuses)}, refused in {ledger.slowest:.2f} s at most, "
        f"taken again after {back:.2f} s, {before} threads before and {after} after",
    )
    assert ledger.statuses[503] > 0
    assert set(ledger.statuses) == {202, 503}
    assert ledger.unexplained == 0
    assert after <= before + 2  # the pool of threads fills once, up to its size
    assert ledger.slowest <= (QUEUE if FULL else 20.0)
    assert back <= (BACK if FULL else 20.0)
    assert found.keys() == ledger.ids()
    assert set(found.values()) == {1}


@pytest.mark.requirement("R22")
@pytest.mark.skipif(postgres.absent() is not None, reason=str(postgres.absent()))
def test_rulesets_are_served_while_postgresql_ends_backends_and_begins_again_and_newer_ones_soon_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with postgres.server() as database:
        url = database.database()
        monkeypatch.setenv(URL, url)
        key = running_shop(tmp_path)
        enough, ledger, took, counted = Flag(), Ledger(10), [], []
        with Process(tmp_path, "web,ingest,worker") as server:
            senders = clients(ledger, 2, server.port, key, enough)
            _, first = ruleset(server.port, key)
            for turn in range(TURNS):
                with psycopg.connect(url, autocommit=True) as chief:
                    chief.execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
                    )
                database.restart(lambda first=first: served(server, key, first))  # type: ignore[misc]  # bound now
                since = time.monotonic()
                move(Verb.RESUME if turn % 2 else Verb.PAUSE, KEY, asked(tmp_path))
                while ruleset(server.port, key)[1] == first:
                    assert time.monotonic() - since < 60
                    time.sleep(0.05)
                took.append(time.monotonic() - since)
                _, first = ruleset(server.port, key)
                counted.append(threads(server))
            enough.set()
            for one in senders:
                one.join()
            assert server.end()

    found = kept(tmp_path)
    figures(
        capsys,
        f"R6: PostgreSQL {TURNS}x again: newer rulesets {max(took):.2f} s after at most, threads {counted}",
    )
    assert max(took) <= (BACK if FULL else 20.0)
    assert counted[-1] <= counted[len(counted) // 2] + 2  # pools of threads fill up, and then stay
    assert set(ledger.statuses) == {202}  # events do not ask the registry
    assert found.keys() == ledger.ids()


def served(server: Process, key: str, known: bytes) -> None:
    """Hold what is served against what was."""
    for _ in range(20):
        assert ruleset(server.port, key) == (200, known)
        time.sleep(0.02)
