"""A shop and a server over it: one for a test that changes it, one for all tests of a file that do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.live import Running, Served, begun, here, live


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return begun(tmp_path)


@pytest.fixture
def running(shop: Path) -> Iterator[Running]:
    with live(shop) as server:
        yield server


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return begun(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="module")
def served(market: Path) -> Iterator[Served]:
    with here(market, ("web", "ingest")) as server:
        yield server
