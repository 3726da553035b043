"""Make a virtual environment of its own for every peer that a benchmark compares with.

Each `NAME.txt` beside this file lists what the peer needs; its environment is made under `bench/peers/NAME/`,
and made again when the list has changed. Run it with `make peers`; `make oracles` makes those that the tests
ask, by their names.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent


def made(requirements: Path) -> Path:
    """Make the environment of one list unless it stands already; give its interpreter."""
    home = HERE / requirements.stem
    python = home / "bin" / "python"
    stamp = home / ".made"
    if stamp.exists() and stamp.read_text() == requirements.read_text():
        return python
    venv.create(home, with_pip=True, clear=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", requirements], check=True)
    stamp.write_text(requirements.read_text())
    return python


if __name__ == "__main__":
    for listed in sorted(HERE / f"{name}.txt" for name in sys.argv[1:]) or sorted(HERE.glob("*.txt")):
        sys.stdout.write(f"{listed.stem}: {made(listed)}\n")
