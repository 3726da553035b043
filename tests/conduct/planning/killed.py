"""Measure baselines, killing the verb again and again: a program."""

from __future__ import annotations

import json
import random
import sys
from datetime import UTC, datetime
from pathlib import Path

from splitrun.conduct.desk import Desk
from splitrun.conduct.planning.baseline import baseline
from splitrun.conduct.planning.kept import keep_history, measured_file
from splitrun.conduct.planning.looking import Looking
from splitrun.spec.power.baselines import read_baselines
from tests.conduct.lifecycle.walker import attempted
from tests.conduct.planning.worlds import project

NOW = Desk(now=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))


def measured(experiment: Path) -> None:
    """The verb `baseline`."""
    keep_history(baseline(experiment, Looking(units="visits"), desk=NOW), experiment.parents[1])


if __name__ == "__main__":
    folder, kills = Path(sys.argv[1]), int(sys.argv[2])
    experiment = project(folder)
    dice = random.Random(7)  # noqa: S311 - it decides when to kill, and nothing secret
    file, found = measured_file(folder, "checkout"), []
    _, took = attempted(lambda: measured(experiment), None)
    file.unlink()
    for patience in [*(dice.uniform(0.6, 1.1) for _ in range(kills)), None]:
        done = attempted(lambda: measured(experiment), patience and patience * took)[0]
        found.append((done, file.exists()))
        if file.exists():
            read_baselines(file.read_bytes(), file.name)
    sys.stdout.write(json.dumps({"found": found, "files": [one.name for one in file.parent.glob("*")]}))
