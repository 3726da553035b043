from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from splitrun.cli.app import run
from splitrun.conduct.registry.place import URL
from tests.plan.difference.shop import FILES
from tests.store.conftest import new_place, place
from tests.store.places import Place

__all__ = ["Run", "new_place", "place", "shop", "splitrun"]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shop(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose registry is on SQLite and on PostgreSQL in turn."""
    root = tmp_path / "shop"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text.replace("registry: postgresql://ann:secret@db/registry\n", ""))
    place.folder.mkdir(exist_ok=True)
    monkeypatch.setenv(URL, place.url)
    monkeypatch.setenv("SPLITRUN_ACTOR", "ann")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def splitrun(capsys: pytest.CaptureFixture[str], shop: Path) -> Run:
    assert shop.exists()

    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            run(list(words))
        seen = capsys.readouterr()
        return int(left.value.code or 0), seen.out, seen.err

    return called
