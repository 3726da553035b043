from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from splitrun.conduct.registry.place import URL
from splitrun.conduct.registry.upkeep import migrate_registry
from tests.conduct.lifecycle.shop import applied, laid
from tests.postgres import Server


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose files were applied to a registry on SQLite, to be copied."""
    folder = laid(tmp_path_factory.mktemp("prepared"))
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv(URL, raising=False)
        applied(folder)
    return folder


@pytest.fixture
def shop(tmp_path: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, to be changed."""
    monkeypatch.delenv(URL, raising=False)
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
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
