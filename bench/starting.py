"""What is measured once for a process or a table: loading the client, and slots in SQL."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import duckdb
from bench.evaluating import SALT
from sqlglot import exp

from splitrun.measure.assignment import WHOLE, below, slot_hex

__all__ = ["loading", "rows_per_second"]

SOURCE = Path(__file__).parent.parent / "src"

LOADS = {
    "from splitrun import Client": "from splitrun import Client",
    "a client from a file, and one answer": (
        "from splitrun import Client; Client(file={file!r}).value('plain', 'user-1', False)"
    ),
    "import msgspec, which is part of it": "import msgspec",
    "import typing, which is part of that": "import typing",
}


def loading(python: Path, document: bytes, count: int) -> dict[str, float]:
    """CPU milliseconds over a bare interpreter, the median of many processes that take turns.

    Bytecode is cached, as an installation has it.

    Args:
        python: The interpreter of an environment.
        document: A ruleset.
        count: Processes of each kind.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ruleset.json"
        file.write_bytes(document)
        path = {"PYTHONPATH": str(SOURCE), "PYTHONPYCACHEPREFIX": f"{folder}/cache"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        programs = {way: program.format(file=str(file)) for way, program in LOADS.items()}
        for program in programs.values():
            cpu(python, program, kept | path)
        took: dict[str, list[float]] = {way: [] for way in LOADS}
        for _ in range(count):
            bare = cpu(python, "pass", kept | path)
            for way, program in programs.items():
                took[way].append(cpu(python, program, kept | path) - bare)
    return {way: 1e3 * statistics.median(each) for way, each in took.items()}


def cpu(python: Path, program: str, environment: dict[str, str]) -> float:
    """CPU seconds of a process, those of the system included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([python, "-c", program], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def rows_per_second(units: int, count: int) -> float:
    """Rows per second of CPU that DuckDB deals into two halves on one thread, ids in memory; median."""
    condition = below(slot_hex(SALT, exp.column("unit")), WHOLE // 2).sql(dialect="duckdb")
    took = []
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(f"CREATE TABLE units AS SELECT 'user-' || i AS unit FROM range({units}) t(i)")  # noqa: S608  # a whole number
        for _ in range(count):
            begun = time.process_time()
            found = connection.execute(f"SELECT count(*) FILTER ({condition}) FROM units").fetchone()  # noqa: S608  # ours
            took.append(time.process_time() - begun)
    if found is None or not 0.48 <= found[0] / units <= 0.52:
        raise SystemExit(f"DuckDB deals {found} of {units} to the first half")
    return units / statistics.median(took)
