"""The pytest plugin: fixtures `splitrun_client`, `splitrun_ruleset` and `splitrun_force`.

Pytest loads it in every run, so it loads nothing of Splitrun before a fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from splitrun.assign.ruleset import Ruleset
    from splitrun.testing.recording import RecordingClient

__all__ = ["pytest_addoption", "splitrun_client", "splitrun_force", "splitrun_ruleset"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting `splitrun_ruleset`."""
    parser.addini("splitrun_ruleset", "the ruleset's file that the fixture splitrun_client answers from")


@pytest.fixture
def splitrun_ruleset(pytestconfig: pytest.Config) -> Ruleset | bytes | None:
    """The ruleset of `splitrun_client`: the file that the setting names; define it anew to give another."""
    name = pytestconfig.getini("splitrun_ruleset")
    return (pytestconfig.rootpath / name).read_bytes() if name else None


@pytest.fixture
def splitrun_client(splitrun_ruleset: Ruleset | bytes | None) -> Iterator[RecordingClient]:
    """A client that talks to no server and keeps exposures and events."""
    from splitrun.testing.recording import RecordingClient  # noqa: PLC0415 - as said above

    with RecordingClient(splitrun_ruleset) as client:
        yield client


@pytest.fixture
def splitrun_force() -> Iterator[Callable[..., None]]:
    """`splitrun_force("checkout-flow", "one-page")` forces a variant until the test ends."""
    from splitrun.testing.forcing import forced  # noqa: PLC0415 - as said above

    with ExitStack() as until:

        def force(flag: str, variant: str, *, value: object = None) -> None:
            until.enter_context(forced(flag, variant, value=value))

        yield force
