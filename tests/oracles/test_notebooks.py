"""A readout in Jupyter and marimo.

A cell is run by IPython and shown by its display formatter, which is what a Jupyter kernel sends to the
browser (no kernel and no browser of Jupyter take part); marimo's formatter shows it, and a marimo notebook is
run and exported by marimo's own command.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from splitrun import analyze
from splitrun.conduct.desk import Desk
from splitrun.report.notebook import Shown
from tests.oracles.elsewhere import ROOT, answered, lacking

THORNTON = str(ROOT / "examples" / "thornton" / "incentive.yaml")
BOOK = """
import marimo

app = marimo.App()


@app.cell
def _():
    import splitrun

    readout = splitrun.analyze({path!r})
    readout
    return (readout,)
"""

pytestmark = pytest.mark.skipif(
    lacking("notebooks"),
    reason="IPython and marimo have no environment of their own; `make oracles` makes it where it may",
)


@pytest.fixture(scope="module")
def seen() -> Mapping[str, object]:
    program = Path(__file__).with_name("show_in_notebooks.py")
    found: Mapping[str, object] = answered("notebooks", [program], THORNTON, with_ours=True)
    return found


@pytest.fixture(scope="module")
def readout() -> Shown:
    return analyze(THORNTON, desk=Desk(now=lambda: datetime(2026, 11, 22, tzinfo=UTC)))


@pytest.mark.requirement("R40")
def test_a_cell_of_jupyter_that_ends_in_a_readout_shows_the_scorecard(
    seen: Mapping[str, object], readout: Shown
) -> None:
    assert seen["jupyter"] == {
        "text/plain": repr(readout),
        "text/html": readout._repr_html_(),
        "text/markdown": readout.to_markdown(),
    }


@pytest.mark.requirement("R40")
def test_marimo_shows_the_same_alone_and_within_a_layout(seen: Mapping[str, object], readout: Shown) -> None:
    fragment = readout._repr_html_()

    assert seen["marimo"] == fragment
    assert fragment in str(seen["in a layout"])


def test_a_marimo_notebook_that_is_run_and_exported_holds_the_scorecard(tmp_path: Path) -> None:
    book, page = tmp_path / "book.py", tmp_path / "book.html"
    book.write_text(BOOK.format(path=THORNTON), encoding="utf-8")

    answered("notebooks", ["-m", "marimo", "export", "html", book, "-o", page], None, with_ours=True)

    # what was shown stands in the page as JSON
    heard = json.dumps(
        '<section class="splitrun" aria-label="readout of incentive: voucher against control">'
    )
    assert heard[1:-1].replace("<", "\\u003C").replace(">", "\\u003E") in page.read_text(encoding="utf-8")


def test_frames_hold_a_row_for_each_comparison(readout: Shown) -> None:
    counts = {len(readout.to_pandas()), readout.to_polars().height, readout.to_arrow().num_rows}

    assert counts == {len(readout.comparisons)}
