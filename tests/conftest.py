from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Server, absent, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    why = absent()
    if why:
        pytest.skip(why)
    with server() as running:
        yield running
