"""`splitrun measure`, and `splitrun readout --merge`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from splitrun.cli.app import app
from tests.conduct.reading.checkouts import AFTER, project, seal

MOMENT = AFTER.isoformat()


def run(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.requirement("R78")
def test_moments_are_written_told_and_read(tmp_path: Path) -> None:
    place = project(tmp_path / "eu").parent
    seal(place / "checkout.yaml")
    file, folder = tmp_path / "eu.json", ("--folder", str(place))

    words = ("measure", "checkout", "--region", "eu", "--moments", str(file), "--as-of", MOMENT, *folder)

    told = run(*words)
    as_json = json.loads(run(*words, "--json"))

    assert "moments of 400 units of eu, signed; sha256:" in told
    assert (as_json["form"], as_json["units"], as_json["withheld"]) == ("splitrun.measured/1", 400, [])
    seen = json.loads(run("readout", "checkout", "--merge", str(file), "--json", *folder))
    assert [one["analysed"] for one in seen["units"]] == [200, 200]
    assert [one["form"] for one in seen["lineage"]["data"]] == ["moments"]


def test_withheld_segments_are_named(tmp_path: Path) -> None:
    file = project(tmp_path / "eu")
    rows = (tmp_path / "eu" / "exposures.csv").read_text()
    (tmp_path / "eu" / "exposures.csv").write_text(rows.replace(",DE,1\n", ",LI,1\n"))
    seal(file)

    told = run(
        "measure", "checkout", "--region", "eu", "--moments", str(tmp_path / "eu.json"), "--as-of", MOMENT,
        "--folder", str(file.parent),
    )  # fmt: skip

    assert "levels with few units do not leave: of country" in told
