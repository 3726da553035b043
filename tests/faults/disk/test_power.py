"""R3 (b): the power goes at any moment; what was not synced is there in part; nothing is lost."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.disk.journal import Disk, steps
from tests.faults.disk.shim import ABSENT, environment
from tests.faults.disk.small import held, mended
from tests.faults.process import laid
from tests.faults.sizes import MEMORY, figures, sized

CUTS = sized(60, 2_500)
SEED = int(os.environ.get("SPLITRUN_SEED", "3"))


@pytest.mark.requirement("R22", "R23")
@pytest.mark.skipif(ABSENT is not None, reason=str(ABSENT))
def test_whenever_the_power_goes_what_was_answered_for_is_kept_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, root = tmp_path / "log", tmp_path / "shop"
    laid(root)
    words = [sys.executable, "-m", "tests.faults.disk.harmed", "record", str(root), "4", "5"]
    subprocess.run(words, check=True, env=environment(root.resolve(), log=log))
    taken = list(steps(log))
    dice = random.Random(SEED)  # noqa: S311  # a fixed world, no secret
    due = sorted(dice.randrange(len(taken) + 1) for _ in range(CUTS))

    disk, done, wrong = Disk(root.resolve()), 0, []
    for cut in due:
        for step in taken[done:cut]:
            disk.take(step)
        done = cut
        with TemporaryDirectory(dir=MEMORY) as folder:
            found = Path(folder) / "shop"
            laid(found)
            disk.cut(dice, found)
            try:
                mended(found)
                says = held(found, [int(one) for one in disk.answered])
            except Exception as error:  # noqa: BLE001  # whatever it is, it did not begin again
                says = f"{type(error).__name__}: {error}"
            if says:
                wrong.append(f"cut at {cut} of {len(taken)} with {len(disk.answered)} answers: {says}")

    figures(
        capsys, f"R3b: {CUTS} cuts over {len(taken)} calls, {len(disk.answered)} answers, {len(wrong)} wrong"
    )
    shutil.rmtree(root)
    assert wrong == []
