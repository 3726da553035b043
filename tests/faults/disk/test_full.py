"""R4: a disk that is full, a file that may not grow; R5: a server whose calls fail while clients send."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Flag

import pytest
from deltalake import DeltaTable

from tests.faults.disk.shim import ABSENT, Call, Control, environment
from tests.faults.ledger import Ledger, clients, kept
from tests.faults.process import Process
from tests.faults.shop import ruleset, running_shop
from tests.faults.sizes import figures, sized

ALL = "web,ingest,worker"
QUICK, BACK = 1.0, 10.0
"""Seconds until a refusal, and until events are taken again once there is room (R4)."""
ROUNDS = sized(1, 10)
HARMS = sized(2, 25)
"""Of each kind."""


def until(holds: Callable[[], object], seconds: float = 60.0) -> float:
    """Wait until it holds; seconds that took."""
    since = time.monotonic()
    while not holds():
        assert time.monotonic() - since < seconds, "it never came"
        time.sleep(0.02)
    return time.monotonic() - since


@contextmanager
def small_disk(at: Path) -> Iterator[None]:
    """Mount a disk of 64 MB."""
    at.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(at)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("no disk may be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)  # noqa: S607  # wherever it is


def refused(ledger: Ledger) -> int:
    """How many batches were refused because of the disk."""
    return ledger.statuses[507] + ledger.statuses[503]


def harmed(
    root: Path, key: str, server: Process, harm: Callable[[], None], heal: Callable[[], None]
) -> Ledger:
    """Harm and heal the disk under a server that clients send to; what must hold meanwhile, and after."""
    enough, ledger = Flag(), Ledger(50)
    served = ruleset(server.port, key)
    assert served[0] == 200
    senders = clients(ledger, 4, server.port, key, enough)
    for _ in range(ROUNDS):
        until(lambda: len(ledger.acknowledged) > 40)
        before = refused(ledger)
        harm()
        until(lambda before=before: refused(ledger) > before + 20)  # type: ignore[misc]  # bound now
        assert ruleset(server.port, key) == served
        assert all(len(times) == ledger.size for times in batches(root))  # none is there in part
        heal()
        answered = len(ledger.acknowledged)
        took = until(lambda answered=answered: len(ledger.acknowledged) > answered + 4)  # type: ignore[misc]  # bound now
        assert took <= BACK
    enough.set()
    for one in senders:
        one.join()
    assert server.end()
    found = kept(root)
    assert found.keys() == ledger.ids()
    assert set(found.values()) == {1}
    assert ledger.unexplained == 0
    assert set(ledger.statuses) <= {202, 503, 507}
    return ledger


def batches(root: Path) -> list[list[str]]:
    """The ids of each batch that the lake has any of."""
    by: dict[tuple[str, int], list[str]] = {}
    events = root / "state" / "lake" / "shop" / "production" / "events"
    for name in kept(root) if DeltaTable.is_deltatable(str(events)) else ():
        by.setdefault((name[:16], int(name[16:], 16) // 50), []).append(name)
    return list(by.values())


@pytest.mark.requirement("R22")
def test_a_full_disk_is_told_at_once_and_flags_are_served_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "disk"
    with small_disk(root):
        key = running_shop(root)
        ballast = root / "ballast"

        def fill() -> None:
            with ballast.open("wb", buffering=0) as out:
                try:
                    while out.write(bytes(65_536)):
                        pass
                except OSError as error:
                    assert error.errno == errno.ENOSPC  # noqa: PT017  # whatever else it is, is none of the test

        with Process(root, ALL) as server:
            ledger = harmed(root, key, server, fill, ballast.unlink)

    figures(
        capsys,
        f"R4: a full disk, {ROUNDS}x: {dict(ledger.statuses)}, refused in {ledger.slowest:.2f} s at most",
    )
    assert ledger.statuses[507] > 0
    assert ledger.slowest <= sized(20, int(QUICK))


@pytest.mark.requirement("R22")
def test_files_that_may_not_grow_are_told_at_once_and_flags_are_served_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = running_shop(tmp_path)
    with Process(tmp_path, ALL) as server:
        assert server.running is not None
        pid, (soft, hard) = server.running.pid, resource.getrlimit(resource.RLIMIT_FSIZE)

        def limit() -> None:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (16_384, hard))

        def lift() -> None:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))

        ledger = harmed(tmp_path, key, server, limit, lift)

    figures(
        capsys,
        f"R4: RLIMIT_FSIZE, {ROUNDS}x: {dict(ledger.statuses)}, refused in {ledger.slowest:.2f} s at most",
    )
    assert ledger.slowest <= sized(20, int(QUICK))


@pytest.mark.requirement("R22")
@pytest.mark.skipif(ABSENT is not None, reason=str(ABSENT))
def test_a_server_whose_calls_fail_under_load_loses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, control = tmp_path / "shop", Control(tmp_path / "control")
    key, enough, ledger = running_shop(root), Flag(), Ledger(50)
    kinds = (
        (Call.WRITE, errno.EIO),
        (Call.SYNC, errno.EIO),
        (Call.OPEN, errno.EMFILE),
        (Call.ENTRY, errno.EROFS),
    )

    with Process(root, ALL, around=environment(root.resolve(), control=control.file)) as server:
        senders = clients(ledger, 4, server.port, key, enough)
        hits = 0
        for turn in range(HARMS):
            for call, error in kinds:
                control.arm(call, error, 1 + turn % 7, forever=turn % 2 == 1)
                until(lambda: control.told()[0] > 0)
                time.sleep(0.3 * (turn % 2))
                control.disarm()
                hits += control.told()[0]
                answered = len(ledger.acknowledged)
                until(lambda answered=answered: len(ledger.acknowledged) > answered)  # type: ignore[misc]  # bound now
        enough.set()
        for one in senders:
            one.join()
        assert server.end()

    found = kept(root)
    figures(
        capsys, f"R5: {hits} calls of a server failed: {dict(ledger.statuses)}; {len(found):,} events kept"
    )
    assert found.keys() == ledger.ids()
    assert set(found.values()) == {1}
    assert ledger.unexplained == 0
    assert os.path.lexists(root / "state" / "spool.db")
