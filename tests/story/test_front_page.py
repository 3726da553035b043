"""The README's flag, as a newcomer would try it: a new project, a ruleset, an explanation, a client."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.transmission import opened
from tests.front_page import README

SECTION = re.compile(r"## Flags inside your product\n(.*?)\n## ", re.DOTALL)


def test_the_flag_of_the_readme_is_served_to_the_code_of_the_readme(tmp_path: Path) -> None:
    found = SECTION.search(README.read_text(encoding="utf-8"))
    assert found is not None
    commands = re.findall(r"^\$ splitrun (.*)$", found[1], re.MULTILINE)
    program = re.findall(r"```python\n(.*?)```", found[1], re.DOTALL)[0]

    said = [ran(tmp_path, "-m", "splitrun", *words.split()) for words in ("init", *commands)]
    flow = ran(tmp_path, "-c", f"{program}\nprint(flow)")

    ruleset = opened((tmp_path / "ruleset.json").read_bytes())
    answer = Evaluator(ruleset).evaluate("checkout-flow", "u007", {"country": "DE"})
    assert flow.strip() == answer.value
    assert f"value '{answer.value}'" in said[-1]


def ran(folder: Path, *words: str) -> str:
    """What a program of this Python prints, run in a folder."""
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout
