from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import splitrun
from tests.requirements import KNOWN, markers, page

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "splitrun"
FILES = sorted(SOURCE.rglob("*.py"))
ROOMS_THAT_THINK = (
    "terms",
    "spec",
    "assign",
    "infer",
    "plan",
    "check",
    "judge",
    "rollout",
    "govern",
    "report",
)
PARSERS = ("spec/written/", "spec/schema.py", "spec/reading.py")
"""Between a text and the value built from it anything may stand; pydantic's own types are that loose."""
HEAVY = ("numpy", "pydantic", "duckdb", "sqlglot", "pyarrow", "scipy", "rich", "typer", "msgspec")
LATER = (
    *("urllib3", "ssl", "http.client", "socket", "email", "asyncio", "logging", "sqlite3", "hashlib", "re2"),
    *(
        "dataclasses",
        "fractions",
        "string",
        "pathlib",
        "json",
        "cryptography",
        "opentelemetry",
        "openfeature",
    ),
    *("splitrun.terms", "splitrun.assign.ruleset", "splitrun.assign.evaluator", "splitrun.sdk.settings"),
    *(
        "splitrun.sdk.rulesets",
        "splitrun.sdk.http",
        "splitrun.sdk.outbox.sender",
        "splitrun.sdk.process.forks",
    ),
)
"""What a client works with and `from splitrun import Client` does without."""


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function; what its docstring explains is not what makes it long."""
    assert function.end_lineno is not None
    told = function.body[0]
    explained = 0
    if ast.get_docstring(function):
        assert told.end_lineno is not None
        explained = told.end_lineno - told.lineno + 1
    return function.end_lineno - function.lineno + 1 - explained


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_file_keeps_its_budget(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)

    assert len(text.splitlines()) <= 400
    for function in functions(tree):
        assert length(function) <= 40, f"{file}: {function.name} has {length(function)} lines"
    assert ast.get_docstring(tree), "a module says what it is"


@pytest.mark.parametrize(
    "folder", sorted({file.parent for file in FILES}), ids=lambda folder: str(folder.relative_to(SOURCE))
)
def test_a_folder_holds_no_more_than_fourteen_files(folder: Path) -> None:
    files = [path for path in folder.iterdir() if path.suffix == ".py"]

    assert len(files) <= 14


def test_rooms_that_think_know_their_types() -> None:
    for file in FILES:
        place = file.relative_to(SOURCE)
        if place.parts[0] not in ROOMS_THAT_THINK or place.as_posix().startswith(PARSERS):
            continue
        names = {node.id for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Name)}
        assert "Any" not in names, f"{file} holds an Any"
        assert "cast" not in names, f"{file} casts"


def test_nothing_in_the_house_is_called_after_what_anything_could_be() -> None:
    banned = {
        "utils",
        "util",
        "helpers",
        "helper",
        "common",
        "core",
        "base",
        "misc",
        "manager",
        "service",
        "v2",
    }

    assert not [file for file in FILES if file.stem in banned or file.parent.name in banned]


def test_importing_the_front_door_loads_nothing_heavy() -> None:
    program = f"import sys, splitrun; print([name for name in {HEAVY!r} if name in sys.modules])"

    seen = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert seen.stdout.strip() == "[]"


def test_importing_the_client_loads_what_its_class_is_made_of_and_no_more() -> None:
    program = (
        "import sys; before = set(sys.modules); from splitrun import Client; "
        f"print([name for name in {LATER!r} if name in sys.modules.keys() - before])"
    )

    seen = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert seen.stdout.strip() == "[]"


def test_the_front_door_is_small_and_every_name_on_it_opens() -> None:
    assert len(splitrun.__all__) <= 25
    for name in splitrun.__all__:
        assert getattr(splitrun, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        splitrun.nonsense  # noqa: B018 - asking is the point


def test_every_requirement_marker_names_a_requirement() -> None:
    assert {name for found in markers().values() for name in found} <= KNOWN


def test_the_page_of_requirements_is_what_the_markers_say() -> None:
    written = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")

    assert written == page(), "run `make docs`"
