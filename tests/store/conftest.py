from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from splitrun.store.registry.registry import Registry
from tests.postgres import Server
from tests.store.places import Place

DATABASES = ("sqlite", "postgresql")


@pytest.fixture
def new_place(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str, str], Place]:
    def made(kind: str, name: str = "state") -> Place:
        folder = tmp_path / name
        if kind == "sqlite":
            return Place(f"sqlite:///{folder}/registry.db", folder)
        running: Server = request.getfixturevalue("postgres")
        return Place(running.database(), folder)

    return made


@pytest.fixture(params=DATABASES)
def place(request: pytest.FixtureRequest, new_place: Callable[[str], Place]) -> Place:
    return new_place(request.param)


@pytest.fixture
def on_sqlite(new_place: Callable[[str], Place]) -> Place:
    return new_place("sqlite")


@pytest.fixture
def registry(place: Place) -> Iterator[Registry]:
    opened = place.registry()
    yield opened
    opened.close()
