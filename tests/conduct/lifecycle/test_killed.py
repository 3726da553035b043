from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.mark.requirement("R08")
def test_every_step_that_is_killed_in_the_middle_can_be_repeated(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.conduct.lifecycle.walker", str(tmp_path), "4"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {
        *("register", "start", "pause", "resume", "amend", "observe", "stop", "decide", "restart", "archive")
    }
