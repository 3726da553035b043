"""A readout as IPython and marimo show it; run by the interpreter of their own environment.

Reads the experiment's file as JSON from standard input; answers with what would reach the reader's browser.
"""

from __future__ import annotations

import json
import sys

import marimo
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

CELL = """
from datetime import UTC, datetime
import splitrun
from splitrun.conduct.desk import Desk
readout = splitrun.analyze({path!r}, desk=Desk(now=lambda: datetime(2026, 11, 22, tzinfo=UTC)))
readout
"""


def main() -> None:
    """Run a cell, and hand what it ends with to marimo too."""
    shell = InteractiveShell.instance()
    # it prints what it ends with, as a terminal would see it; a kernel sends what the formatter makes of it
    with capture_output():
        readout = shell.run_cell(CELL.format(path=json.load(sys.stdin))).result
    shown = {
        "jupyter": shell.display_formatter.format(readout)[0],
        "marimo": marimo.as_html(readout).text,
        "in a layout": marimo.vstack([marimo.md("# a title"), readout]).text,
    }
    json.dump(shown, sys.stdout)


if __name__ == "__main__":
    main()
