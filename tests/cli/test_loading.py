"""What the command line loads before it knows what is asked of it, and what shells may ask it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from splitrun.cli import project, verbs
from splitrun.serve.api import verbs as asked
from splitrun.spec.schema import SCHEMAS
from splitrun.spec.templates.pack import TEMPLATES

HEAVY = {
    "duckdb", "narwhals", "numpy", "pandas", "polars", "pyarrow", "pydantic", "rich", "ruamel.yaml", "scipy",
    "sqlalchemy", "alembic", "cryptography", "sqlglot",
    "splitrun.conduct.analyze", "splitrun.infer", "splitrun.judge", "splitrun.measure",
    "splitrun.spec",
}  # fmt: skip


def loaded(*words: str) -> set[str]:
    """Heavy modules that a command loads until it leaves."""
    program = (
        "import sys; from splitrun.__main__ import main; sys.argv = ['splitrun', *sys.argv[1:]]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.stderr.write('\\n'.join(sys.modules))"
    )
    seen = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    return HEAVY & set(seen.stderr.splitlines())


@pytest.mark.parametrize("word", ["--version", "--help"])
def test_nothing_heavy_is_loaded_to_say_which_verbs_there_are(word: str) -> None:
    assert loaded(word) == set()


@pytest.mark.parametrize(
    "verb",
    [
        "analyze",
        "readout",
        "lint",
        "init",
        "new",
        "schema",
        "ruleset",
        "explain",
        "audit-assignment",
        "keys",
        "audit",
        "migrate",
        "backup",
        "restore",
        "power",
        "doctor",
        "nonsense",
    ],
)
def test_the_help_of_a_verb_loads_at_most_what_typer_reads_words_with(verb: str) -> None:
    assert loaded(verb, "--help") <= {"pydantic"}


def test_a_verb_loads_what_it_needs_and_no_more(tmp_path: Path) -> None:
    made = loaded("init", str(tmp_path / "shop"))
    checked = loaded("lint", str(tmp_path / "shop" / "experiments" / "first.yaml"))

    assert {"pydantic", "splitrun.spec"} <= made
    assert not made & {"numpy", "scipy", "duckdb", "sqlglot", "narwhals", "splitrun.infer", "splitrun.judge"}
    assert not checked & {"numpy", "scipy", "duckdb", "narwhals", "splitrun.infer", "splitrun.judge"}


def test_a_server_is_ready_before_it_loads_what_reads_experiments() -> None:
    program = (
        "import sys; from splitrun.serve.app import endpoints; from splitrun.serve import running\n"
        "endpoints(); sys.stdout.write('\\n'.join(sys.modules))"
    )
    seen = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    late = {"scipy", "splitrun.infer", "splitrun.judge", "splitrun.conduct.reading.readout"}

    assert "splitrun.serve.running" in seen.stdout.splitlines()
    assert not late & set(seen.stdout.splitlines())


@pytest.mark.parametrize("lately", [verbs, asked])
def test_every_name_that_is_loaded_late_opens(lately: ModuleType) -> None:
    assert set(lately.HOMES) == set(lately.__all__)
    for name in lately.__all__:
        assert getattr(lately, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        lately.nonsense  # noqa: B018 - asking is the point


def test_what_is_told_without_loading_it_is_so() -> None:
    assert list(SCHEMAS) == list(project.SCHEMAS)
    assert list(TEMPLATES) == list(project.TEMPLATES)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("splitrun an", ["analyze"]),
        ("splitrun analyze --as", ["--as-of"]),
        ("splitrun schema m", ["metrics"]),
        ("splitrun new x --template r", ["revenue", "retention", "rollout-only"]),
    ],
)
def test_bash_is_told_how_words_go_on(line: str, offered: list[str]) -> None:
    asked = {"_SPLITRUN_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}

    seen = subprocess.run(
        [sys.executable, "-m", "splitrun"], env=os.environ | asked, capture_output=True, text=True, check=True
    )

    assert seen.stdout.split() == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_are_given_a_script(shell: str) -> None:
    seen = subprocess.run(
        [sys.executable, "-m", "splitrun"],
        env=os.environ | {"_SPLITRUN_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "complete_" in seen.stdout or "complete --command splitrun" in seen.stdout
