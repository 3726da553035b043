from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

__all__ = ["engine"]


@pytest.fixture(scope="session")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection
