"""R3 (a): what the kernel was asked, in its order: no answer 202 before the spool's log was synced."""

from __future__ import annotations

import http.client
import shutil
from pathlib import Path

import pytest

from tests.faults.ledger import body_of, post
from tests.faults.process import Process, new_key
from tests.faults.sizes import sized

REQUESTS = sized(50, 2_000)
CALLS = "trace=read,recvfrom,recvmsg,write,writev,sendto,sendmsg,fsync,fdatasync"


@pytest.mark.requirement("R22")
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_each_202_is_sent_after_the_spools_log_was_synced(tmp_path: Path) -> None:
    key, trace = new_key(tmp_path), tmp_path / "trace"
    under = ("strace", "-D", "-f", "-ttt", "-y", "-s", "16", "-e", CALLS, "-o", str(trace))

    with Process(tmp_path, "ingest", under=under) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        for number in range(REQUESTS):
            assert post(connection, key, body_of(1, number, 1))[0] == 202
        connection.close()
        server.end()

    asked = synced = violations = answers = 0
    for order, line in enumerate(trace.read_text(errors="replace").splitlines()):
        if '"POST /v1/events' in line:
            asked = order
        elif "sync" in line and line.rstrip().endswith("= 0") and ("spool.db-wal" in line or "<..." in line):
            synced = order
        elif '"HTTP/1.1 202 ' in line:
            answers += 1
            violations += not asked < synced < order
    assert answers == REQUESTS
    assert violations == 0
