"""Reports kept as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitrun.conduct.reports import keep, reports
from splitrun.errors import SpecError
from splitrun.report.markdown import markdown
from splitrun.report.page import page
from tests.report.readouts import rich, stopped


def test_both_reports_are_written_whole(tmp_path: Path) -> None:
    html, text = tmp_path / "readout.html", tmp_path / "readout.md"

    names = [keep(report, rich()) for report in reports(html, text)]

    assert names == [str(html), str(text)]
    assert html.read_text(encoding="utf-8") == page(rich())
    assert text.read_text(encoding="utf-8") == markdown(rich())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["readout.html", "readout.md"]


def test_a_report_of_ours_is_written_over(tmp_path: Path) -> None:
    html = tmp_path / "readout.html"
    html.write_text(page(stopped()), encoding="utf-8")

    keep(reports(html, None)[0], rich())

    assert html.read_text(encoding="utf-8") == page(rich())


def test_a_file_that_is_no_report_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "notes.md"
    mine.write_text("mine")

    with pytest.raises(SpecError, match="is no report of splitrun"):
        reports(None, mine)
    assert mine.read_text() == "mine"


def test_a_page_is_not_written_over_markdown(tmp_path: Path) -> None:
    text = tmp_path / "readout"
    text.write_text(markdown(rich()), encoding="utf-8")

    with pytest.raises(SpecError, match="is no report of splitrun"):
        reports(text, None)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as told:
        reports(tmp_path / "nowhere" / "a.html", tmp_path)

    assert ["there is no folder" in str(told.value), "this is no file" in str(told.value)] == [True, True]


def test_two_reports_cannot_be_one_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="two reports cannot be one file"):
        reports(tmp_path / "a", tmp_path / "." / "a")


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    wanted = reports(tmp_path / "there" / "a.html", None)[0]
    (tmp_path / "there").rmdir()

    with pytest.raises(SpecError, match="no report can be written here"):
        keep(wanted, rich())


def test_a_name_that_no_file_can_have_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no report was written"):
        reports(tmp_path / ("a" * 300), None)
