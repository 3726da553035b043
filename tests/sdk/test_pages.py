"""docs/openfeature.md and docs/testing.md do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from splitrun.conduct.rulesets import publish

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The project of docs/flags.md, with its ruleset."""
    for name, text in re.findall(r"```(?:yaml|csv)\n# (\S+)\n(.*?)```", page("flags.md"), re.DOTALL):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    publish(tmp_path, out=tmp_path / "ruleset.json")
    return tmp_path


@pytest.mark.parametrize("name", ["openfeature.md", "testing.md"])
def test_every_program_of_the_page_prints_what_it_shows(shop: Path, name: str) -> None:
    programs = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", page(name), re.DOTALL)

    assert len(programs) > 1
    for program, prints in programs:
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, cwd=shop, check=False)
        assert (done.returncode, done.stdout) == (0, prints), done.stderr
