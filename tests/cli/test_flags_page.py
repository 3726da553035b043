"""docs/flags.md does what it says: its files, its commands, its Python."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from splitrun.cli.app import run

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "flags.md").read_text(encoding="utf-8")


def test_every_command_of_the_page_prints_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = re.findall(r"```(?:yaml|csv)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
    for name, text in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    shown = [one for block in blocks for one in re.split(r"^\$ splitrun ", block, flags=re.MULTILINE) if one]

    assert len(files) == 5
    assert len(shown) == 5
    for command in shown:
        words, _, printed = command.partition("\n")
        with pytest.raises(SystemExit):
            run(words.split())
        assert capsys.readouterr().out == printed

    program, prints = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)[0]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == prints
