from __future__ import annotations

from pathlib import Path

import pytest

from splitrun.conduct.registry.place import URL
from splitrun.conduct.registry.upkeep import migrate_registry
from tests.conduct.lifecycle.shop import applied, laid
from tests.postgres import Server


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose files were applied to a registry on SQLite."""
    monkeypatch.delenv(URL, raising=False)
    monkeypatch.chdir(laid(tmp_path))
    applied(tmp_path)
    return tmp_path


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """The same on each database."""
    monkeypatch.delenv(URL, raising=False)
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        monkeypatch.setenv(URL, server.database())
    monkeypatch.chdir(laid(tmp_path))
    migrate_registry(tmp_path)
    applied(tmp_path)
    return tmp_path
