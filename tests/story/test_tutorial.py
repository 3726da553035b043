"""The tutorial's chapter with a server, as it is written: its files, its commands, its product."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from splitrun.cli.app import run
from splitrun.conduct.registry.place import URL
from tests.serve.live import live

CHAPTER = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"<!-- (?P<what>[a-z]+)(?:: (?P<name>\S+))? -->\n\n```\w+\n(?P<text>.*?)```", re.DOTALL)


def blocks(what: str) -> list[tuple[str, str]]:
    """Name and text of each block of a kind."""
    found = BLOCK.finditer(CHAPTER.read_text(encoding="utf-8"))
    return [(one["name"] or "", one["text"]) for one in found if one["what"] == what]


def commands(number: int) -> list[list[str]]:
    """Words of each command of a block."""
    return [shlex.split(line)[2:] for line in blocks("run")[number][1].splitlines()]


def ran(number: int, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the commands of a block, each of which has to succeed; what they print."""
    told = ""
    for words in commands(number):
        with pytest.raises(SystemExit) as left:
            run(words)
        seen = capsys.readouterr()
        assert not left.value.code, (words, seen.err)
        told += seen.out
    return told


def test_the_chapter_with_a_server_is_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(URL, raising=False)
    monkeypatch.chdir(tmp_path)
    for name, text in blocks("file"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    ((_, product),) = blocks("product")

    before = ran(0, capsys)
    with live(tmp_path) as server:
        said = product.replace("http://127.0.0.1:8321", server.url).replace("sr_…", server.key)
        subprocess.run([sys.executable, "-c", said], check=True)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0  # all that it took is in the lake
    after = ran(1, capsys)

    assert "the checkout is one page instead of three" in before
    assert "267 accepted" in after  # 200 exposures, and a purchase of every third visitor
    assert "purchased: 0 of 200 matured" in " ".join(after.split())
    assert "the first look" in after
