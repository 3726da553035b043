from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.mark.requirement("R06")
def test_baseline_that_is_killed_in_the_middle_can_be_repeated(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.conduct.planning.killed", str(tmp_path), "6"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    # a file is there whole or not at all: the program reads it after each kill
    assert said["found"][-1] == [True, True]
    assert "checkout.yaml" in said["files"]
