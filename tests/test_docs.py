from __future__ import annotations

import re
from pathlib import Path

import pytest

from splitrun import errors
from splitrun.cli.app import app
from tests.front_page import README, front_page

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    [*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("examples/*/*.md"), *ROOT.glob("bench/*.md")]
)
CLI = (DOCS / "cli.md").read_text(encoding="utf-8")


def test_the_front_page_shows_a_readout_as_it_is() -> None:
    assert README.read_text(encoding="utf-8") == front_page(), "run `make docs`"


def test_every_room_has_its_line() -> None:
    rooms = [path.stem for path in (ROOT / "src" / "splitrun").iterdir() if path.stem[0] not in "_p"]
    told = (DOCS / "rooms.md").read_text(encoding="utf-8")

    assert not [room for room in rooms if f"| `{room}` |" not in told]


def test_every_verb_and_option_of_the_command_line_is_told() -> None:
    families = [group.typer_instance for group in app.registered_groups if group.typer_instance is not None]
    inner = [f"{each.info.name} {one.name}" for each in families for one in each.registered_commands]
    verbs = [*(command.name for command in app.registered_commands), *inner]

    assert len(verbs) == 58
    assert not [verb for verb in verbs if f"| `splitrun {verb}" not in CLI]
    options = re.findall(
        r'typer\.Option\(\s*(?:None, )?"(--[a-z-]+)"',
        "".join(
            path.read_text(encoding="utf-8") for path in (ROOT / "src" / "splitrun" / "cli").rglob("*.py")
        ),
    )
    assert not [option for option in options if option not in CLI and option != "--version"]


def test_every_error_is_told() -> None:
    named = [name for name in errors.__all__ if name.endswith("Error") and name != "SplitrunError"]

    assert not [name for name in named if f"`{name}`" not in CLI]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_named_page_is_there(page: Path) -> None:
    told = page.read_text(encoding="utf-8")

    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", told) if "://" not in link]
    assert not [link for link in links if link and not (page.parent / link).exists()]
    named = re.findall(r"`((?:docs|examples|bench|tests)/[\w./-]+)`", told)
    assert not [name for name in named if not (ROOT / name).exists() and not name.startswith("bench/peers/")]


def test_nothing_names_the_place_it_was_written_in() -> None:
    banned = re.compile(
        r"/work/|/tmp/(?!bash|x|splitrun-stolen|evil)|\.\./shared|pypi\.|files\.pythonhosted|registry\.npmjs|/opt/pypi"
        r"|[\"']shared[\"'/]|parents\[[3-9]\]"
    )
    files = [
        path
        for folder in ("src", "docs", "examples", "bench", "tests", ".ci")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md", ".yaml", ".toml", ".txt", ""} and path.is_file()
        if path != Path(__file__) and path.name != "attacks.txt"
        if "peers" not in path.parts or path.parent.name == "peers"
    ]

    assert not [
        path
        for path in [*files, ROOT / "constraints.txt", ROOT / "Makefile"]
        if banned.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
