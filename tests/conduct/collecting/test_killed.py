from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from splitrun.conduct.collecting.upkeep import Schedule, upkeep
from splitrun.sdk.event import Exposure, Unit
from splitrun.store.lake.place import Lake
from splitrun.store.lake.tables import Table
from tests.conduct.collecting.sending import TIME, committer, event, put, rows, send, total

STEPS = ("read", "decode", "write", "commit", "sync", "forget", "forgotten")


def exposure(number: int) -> Exposure:
    unit = Unit("visitor", f"u{number}")
    return Exposure(f"{'f' * 16}{number:016x}", TIME, unit, "flag", "test", 1, 1, "control", 9, "SPLIT")


@pytest.mark.requirement("R19")
@pytest.mark.parametrize("step", STEPS)
def test_a_committer_killed_at_any_step_loses_nothing_and_counts_nothing_twice(
    tmp_path: Path, step: str
) -> None:
    one = committer(tmp_path)
    for times in (1, 2, 3):
        first = times * 100
        put(one, *(send([event(first + i), exposure(first + i)]) for i in range(20)))
        killed = subprocess.run(
            [sys.executable, "-m", "tests.conduct.collecting.killed", tmp_path, step, str(1 + times % 2)],
            check=False,
        )
        assert killed.returncode in {0, -9}
        # more comes in before it is started again
        put(one, send([event(first + 50), exposure(first + 50)]))

    again = committer(tmp_path)
    while again.flush() is not None:
        pass

    for table in (Table.EVENTS, Table.EXPOSURES):
        found = rows(tmp_path, table)["event_id"].to_pylist()
        assert len(found) == len(set(found)) == 63
    assert total(again, "accepted") == 126
    assert total(again, "duplicate") == 0
    assert total(again, "outcome: unknown ruleset") == 63
    upkeep(Lake(str(tmp_path / "lake")), tmp_path / "lock", Schedule(few=1, hours=0), datetime.now(UTC))
    assert len(rows(tmp_path)) == 63
    on_disk = {str(file) for file in (tmp_path / "lake").rglob("*.parquet") if "_delta_log" not in str(file)}
    named = {str(tmp_path / "lake" / "shop" / "production" / path) for path in paths(tmp_path)}
    assert on_disk == named


def paths(root: Path) -> list[str]:
    from deltalake import DeltaTable  # noqa: PLC0415  # only where a table is read

    home = root / "lake" / "shop" / "production"
    return [
        str(Path(file).relative_to(home))
        for table in (Table.EVENTS, Table.EXPOSURES)
        for file in DeltaTable(str(home / table)).file_uris()
    ]
