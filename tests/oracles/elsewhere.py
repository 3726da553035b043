"""Programs in environments of their own, made by `make oracles` from the lists in `bench/peers`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["ROOT", "answered", "interpreter", "lacking"]

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "bench" / "peers"


def interpreter(name: str) -> Path:
    """The interpreter of an environment."""
    return PEERS / name / "bin" / "python"


def lacking(name: str) -> bool:
    """Whether an environment is not there as it is listed."""
    stamp = PEERS / name / ".made"
    return not stamp.exists() or stamp.read_text() != (PEERS / f"{name}.txt").read_text()


def answered(name: str, words: Sequence[str | Path], question: object, *, with_ours: bool = False) -> Any:  # noqa: ANN401 - JSON of any shape
    """Run a program in an environment, hand it a question as JSON, and give what it answers.

    Args:
        name: Of the environment.
        words: What its interpreter is called with.
        question: What is written to its standard input.
        with_ours: Whether it finds splitrun, and what splitrun needs, as they are here.
    """
    ran = subprocess.run(
        [interpreter(name), *words],
        input=json.dumps(question),
        env=os.environ | (ours() if with_ours else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout or "null")


def ours() -> Mapping[str, str]:
    """Lets another environment of the same Python find what is installed in this one."""
    installed = [place for place in sys.path if place and not place.endswith(".zip")]
    return {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), *installed])}
