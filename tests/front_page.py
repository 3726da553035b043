"""The README with the experiment and the readout as they are; run as a program it writes them into it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from splitrun.conduct.analyze import analyze
from splitrun.conduct.desk import Desk
from splitrun.report.text import text

__all__ = ["front_page"]

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BANDIT = ROOT / "examples" / "open-bandit" / "bandit.yaml"


def shown(readme: str, mark: str, kind: str, content: str) -> str:
    """The README with the block below a mark replaced."""
    block = f"<!-- {mark} -->\n\n```{kind}\n{content.rstrip()}\n```\n"
    return re.sub(
        rf"<!-- {mark} -->\n(\n```{kind}\n.*?\n```\n)?", lambda _: block, readme, count=1, flags=re.DOTALL
    )


def front_page() -> str:
    """The README as it should be."""
    experiment = BANDIT.read_text(encoding="utf-8").split("\n", 1)[1]
    readout = analyze(BANDIT, desk=Desk(now=lambda: datetime(2026, 11, 22, 12, tzinfo=UTC)))
    readme = shown(README.read_text(encoding="utf-8"), "experiment", "yaml", experiment)
    return shown(readme, "readout", "text", text(readout, width=100))


if __name__ == "__main__":
    README.write_text(front_page(), encoding="utf-8")
