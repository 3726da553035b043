from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.postgres import Server, absent, server

# how long an example takes is the machine's matter, which others may keep busy
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")

# processes that tests start write as they do for users: through a pipe, in blocks
os.environ.pop("PYTHONUNBUFFERED", None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    why = absent()
    if why:
        pytest.skip(why)
    with server() as running:
        yield running
