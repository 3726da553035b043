"""R5: the n-th open, write, sync or change of a name fails, or all from it on; nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.disk.shim import ABSENT, Control, environment
from tests.faults.sizes import MEMORY, figures, sized

STEP = sized(97, 2)
"""Every so many-th call fails."""


@pytest.mark.requirement("R22", "R23")
@pytest.mark.skipif(ABSENT is not None, reason=str(ABSENT))
def test_whichever_call_fails_what_was_answered_for_is_kept_once_and_refusals_are_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    control = tmp_path / "control"
    Control(control)
    root = (MEMORY or tmp_path) / f"splitrun-failing-{tmp_path.parent.name}"
    root.mkdir()
    words = [
        sys.executable,
        "-m",
        "tests.faults.disk.harmed",
        "fail",
        str(root),
        str(control),
        str(STEP),
        "5",
    ]

    try:
        done = subprocess.run(
            words,
            check=True,
            capture_output=True,
            text=True,
            env=environment(root.resolve(), control=control),
        )
    finally:
        root.rmdir()

    lives = [json.loads(line) for line in done.stdout.splitlines()]
    by = Counter(f"{one['call']} {one['error']}" for one in lives)
    figures(capsys, f"R5: {len(lives)} lives with a failing disk: {dict(by)}")
    assert len(by) == 7
    assert any(one["refusals"] for one in lives)
    assert [one for one in lives if one["wrong"]] == []
