"""A long chain: verified in bounded memory, with progress."""

from __future__ import annotations

import re
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change
from splitrun.store.verification import verify
from tests.store.places import NOON, Place, fill
from tests.store.sizes import SOAK, sized
from tests.store.tampers import read, write

ENTRIES = sized(12_000, 1_000_000)
AT_ONCE = 4_000


def peak(*, anew: bool = False) -> int:
    """The most memory that this process has held, in KiB; anew: since now (proc(5), clear_refs)."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1])


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are reset through /proc")
def test_a_long_chain_is_verified_in_bounded_memory_with_progress(on_sqlite: Place) -> None:
    said: list[str] = []
    began = time.perf_counter()
    with closing(on_sqlite.registry()) as registry:
        fill(registry, 1)
        remarks = tuple(
            Remark("look", f"experiment/{number}", "planned", "shop") for number in range(AT_ONCE)
        )
        for _ in range(ENTRIES // AT_ONCE):
            registry.commit(Change(NOON, "ann", remarks))
        written = time.perf_counter()
        before = peak(anew=True)

        found = verify(registry, registry.witness.read(), on_sqlite.keys, said.append)

        grown = (peak() - before) / 1024
    if SOAK:
        sys.stderr.write(
            f"\n{found.entries:,} entries written in {written - began:.0f} s, verified in "
            f"{time.perf_counter() - written:.0f} s, peak memory grew by {grown:.1f} MB\n"
        )
    assert (found.faults, found.entries) == ((), ENTRIES + 2)
    assert said[0] == f"verified 10,000 of {ENTRIES + 2:,} entries"
    assert len(said) == ENTRIES // 10_000
    assert grown < 40


def test_a_single_edit_in_a_long_chain_is_named(on_sqlite: Place) -> None:
    with closing(on_sqlite.registry()) as registry:
        remarks = tuple(Remark("look", f"experiment/{number}") for number in range(5_000))
        registry.commit(Change(NOON, "ann", remarks))
        log = read(on_sqlite.database(), registry.witness.read())
        log.chain[4_321]["actor"] = "bob"
        write(on_sqlite.database(), log)

        (fault,) = verify(registry, log.head, on_sqlite.keys).faults

    assert fault.number == 4_322
