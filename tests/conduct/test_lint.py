from __future__ import annotations

import os
from pathlib import Path

import pytest

from splitrun.conduct.begin import begin_project
from splitrun.conduct.lint import lint
from splitrun.conduct.workspace import LARGEST
from splitrun.errors import SpecError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    begin_project(Path())
    return tmp_path


def mistakes(*paths: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        lint(list(paths))
    return str(caught.value).splitlines()


@pytest.mark.requirement("R82")
def test_mistakes_of_all_files_are_told_at_once(project: Path) -> None:
    (project / "metrics" / "more.yaml").write_text("metrics:\n  broken: {kind: mean, sauce: orders}\n")
    (project / "experiments" / "second.yaml").write_text("key: second\nextends: thrid\n")

    told = mistakes()

    assert any(line.startswith("metrics/more.yaml:2:") and "sauce" in line for line in told)
    assert any(line.startswith("experiments/second.yaml:2:") and "thrid" in line for line in told)


def test_a_mistake_names_the_file_from_where_one_stands(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "metrics" / "more.yaml").write_text("metrics: 3\n")
    monkeypatch.chdir(project.parent)

    assert mistakes(project)[0].startswith(f"{project.name}/metrics/more.yaml:1:")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("DROP TABLE orders", "it holds DROP; begin with SELECT or WITH"),
        ("SELECT * FROM a; SELECT * FROM b", "it holds 2 statements; write exactly one"),
        ("SELECT getenv('HOME') FROM a", "it holds the function getenv; use functions of the rows alone"),
        ("SELECT * FROM read_csv('a.csv')", "it holds the table function read_csv; declare the rows"),
        ("SELECT * FROM '/etc/passwd'", "it holds the file '/etc/passwd' as a table; declare the file"),
        ("SELEKT 1", "it holds SELEKT; begin with SELECT or WITH"),
    ],
)
def test_a_query_that_no_engine_would_be_handed_is_refused_where_it_stands(
    project: Path, query: str, says: str
) -> None:
    shared = project / "metrics" / "more.yaml"
    shared.write_text(f'sources:\n  loose: {{query: "{query}", unit: user_id}}\n')
    first = project / "experiments" / "first.yaml"
    written = first.read_text()
    assert "csv: data/exposures.csv" in written
    first.write_text(written.replace("csv: data/exposures.csv", f'query: "{query}"'))
    line = written[: written.index("csv: data/exposures.csv")].count("\n") + 1

    for told in (mistakes(), mistakes(first)):
        assert any(t.startswith("metrics/more.yaml:2:18: sources.loose.query: ") and says in t for t in told)
        assert any(
            t.startswith(f"experiments/first.yaml:{line}:") and "exposures.query: " in t and says in t
            for t in told
        )


def test_a_query_that_reads_tables_nobody_knows_yet_is_left_to_the_engine(project: Path) -> None:
    (project / "metrics" / "more.yaml").write_text(
        'sources:\n  sales: {query: "WITH s AS (SELECT * FROM shop.sales) SELECT * FROM s", unit: user_id}\n'
    )

    assert "metrics/more.yaml" in lint([]).files


def test_a_folder_without_a_project_is_told(tmp_path: Path) -> None:
    assert "there is no splitrun.yaml here or above" in mistakes(tmp_path)[0]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "there is no such file; name an experiment's YAML file" in mistakes(tmp_path / "none.yaml")[0]


def test_a_huge_file_is_refused_by_its_size(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(50_000_000)

    told = mistakes(huge)

    assert f"the file has 50,000,000 bytes; at most {LARGEST:,} are read" in told[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    shut = tmp_path / "shut.yaml"
    shut.write_text("key: x")
    shut.chmod(0)

    assert "cannot be read" in mistakes(shut)[0]


@pytest.mark.requirement("R83")
def test_a_rule_that_is_not_kept_is_a_mistake_until_it_is_waived(project: Path) -> None:
    settings = project / "splitrun.yaml"
    settings.write_text(settings.read_text().replace("alpha: {max: 0.05}", "duration: {min: 21d}"))
    first = project / "experiments" / "first.yaml"

    refused = mistakes(), mistakes(first)
    first.write_text(first.read_text() + "waivers: {minimum_duration: a first try, alpha: a habit}\n")
    told = lint([])

    assert refused[0] == refused[1]
    assert (
        "14d is shorter than 21d, the least that splitrun.yaml allows (policy `minimum_duration`)"
        in refused[0][0]
    )
    assert told.notes == (
        "experiments/first.yaml: the waiver of `alpha` waives nothing: the plan keeps to it; take it out",
    )
