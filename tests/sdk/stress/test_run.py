from __future__ import annotations

import pytest

from tests.sdk.stress.run import stressed


@pytest.mark.requirement("R20")
def test_ten_seconds_of_threads_tasks_and_forks_leave_no_fault() -> None:
    """R22 of the faults; `make stress` runs it for longer, and under gevent."""
    told = stressed(10.0)

    assert told.faults() == []
    assert told.total("asked") > 1_000
    assert {one["kind"] for one in told.processes} == {"threads", "asyncio", "child"}
    assert len(told.arrived.ids) > 500
