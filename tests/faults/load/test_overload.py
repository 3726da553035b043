"""R8: ten times what the intake can take; R7: a committer that stands still."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.ledger import kept
from tests.faults.load.crowd import Crowd, ranked
from tests.faults.load.sending import begun, ended, ingested, missing
from tests.faults.process import Process, new_key
from tests.faults.sizes import FULL, figures, sized

# they want a machine of their own: `make faults`
pytestmark = pytest.mark.skipif(not FULL, reason="load is a matter of `make faults`")

SECONDS = sized(4, 60)
MANY = 64
TENFOLD = 640
EVENTS = 100
MEMORY = 512
"""MB that the server may take."""
SLOWEST = 1.0
"""Seconds, the p99 of what is accepted."""
GOODPUT = 0.8
"""Of what is taken without overload; asserted in the full run, on a machine of its own."""

STALL = sized(8, 600)
PACE = 100.0
"""Batches a second."""
BATCH = 25


def highest(pid: int) -> int:
    """The most memory that a process had, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM:"))


@pytest.mark.requirement("R22")
def test_ten_times_the_load_is_refused_with_a_time_to_come_again_and_little_is_lost_by_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = new_key(tmp_path)
    with Process(tmp_path, "ingest", cap=20_000_000_000) as server:
        of = Crowd(server.port, key, MANY, EVENTS, 0.0)
        usual = ingested(of, SECONDS / 4)
        over = ingested(Crowd(server.port, key, TENFOLD, EVENTS, 0.0, first=10**9), SECONDS)
        big = ingested(Crowd(server.port, key, TENFOLD // 4, 5_000, 0.0, first=10**10), SECONDS / 4)
        assert server.running is not None
        memory = highest(server.running.pid)
        assert server.end()

    rates = [len(one.accepted) / one.seconds for one in (usual, over)]
    lost, twice = missing(tmp_path, [usual, over, big])
    slowest = [ranked(one.times, 0.99) for one in (usual, over, big)]
    after, refused = Counter(over.after) + Counter(big.after), Counter(over.refused) + Counter(big.refused)
    figures(
        capsys,
        f"R8: {rates[0]:,.0f} batches/s of {EVENTS} from {MANY} connections, {rates[1]:,.0f} from {TENFOLD} "
        f"({rates[1] / rates[0]:.0%}); p99 {', '.join(f'{one:.2f} s' for one in slowest)}; refused "
        f"{dict(refused)}, Retry-After {dict(after)}, {memory} MB; {lost} lost, {twice} twice",
    )
    assert (lost, twice) == (0, 0)
    assert memory <= MEMORY
    assert set(refused) <= {"429", "503", "507"}
    assert len(big.after) > 1  # not everybody comes again at once
    assert "" not in after
    if FULL:
        assert rates[1] >= GOODPUT * rates[0]
        assert slowest[1] <= SLOWEST


@pytest.mark.requirement("R22")
def test_while_the_committer_stands_still_answers_come_as_quickly_until_the_spool_is_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = new_key(tmp_path)
    cap = int(PACE * BATCH * 100 * STALL)  # a batch has about 150 bytes an event: two thirds of the stall
    with Process(tmp_path, "ingest", cap=cap) as intake, Process(tmp_path, "worker") as worker:
        of = Crowd(intake.port, key, MANY, BATCH, 0.0, PACE)
        usual = ingested(of, STALL / 8)
        assert worker.running is not None
        worker.running.send_signal(signal.SIGSTOP)
        stalled = ended(begun(Crowd(intake.port, key, MANY, BATCH, STALL, PACE, 10**6)))
        worker.running.send_signal(signal.SIGCONT)
        again = after_a_while(
            lambda: ingested(Crowd(intake.port, key, 1, 1, 0.2, first=10**8), 0.2).accepted != []
        )
        assert intake.end()
        assert worker.end(900.0)  # all that waited is brought into the lake first

    found = kept(tmp_path)
    ids = {f"c0ffee0000000000{number:016x}" for one in (usual, stalled) for number in one.accepted}
    normal, slow = ranked(usual.times, 0.99), ranked(stalled.times, 0.99)
    figures(
        capsys,
        f"R7: {STALL} s without a committer: p99 {normal * 1000:.1f} ms before, {slow * 1000:.1f} ms "
        f"until {cap:,} bytes were full; then {dict(stalled.refused)}, Retry-After {dict(stalled.after)}; "
        f"{len(ids - found.keys())} lost",
    )
    assert again
    assert set(usual.refused) == set()
    assert set(stalled.refused) == {"429"}
    assert "" not in stalled.after
    assert ids <= found.keys()
    if FULL:
        assert slow <= max(2 * normal, 0.02)


def after_a_while(holds: Callable[[], bool]) -> bool:
    """Ask until it holds."""
    return any(holds() for _ in range(100))
