from __future__ import annotations

from collections.abc import Callable

import pytest

from splitrun.store.registry.memory import InMemory
from splitrun.store.registry.registry import Registry
from splitrun.testing.registry import PROMISES
from tests.store.places import Place


def name(promise: Callable[[Registry], None]) -> str:
    return promise.__name__


@pytest.mark.requirement("R08", "R77")
@pytest.mark.parametrize("promise", PROMISES, ids=name)
def test_a_registry_in_a_database_keeps_its_promises(
    promise: Callable[[Registry], None], registry: Registry
) -> None:
    promise(registry)


@pytest.mark.parametrize("promise", PROMISES, ids=name)
def test_a_registry_in_memory_keeps_its_promises(promise: Callable[[Registry], None]) -> None:
    promise(InMemory())


def test_what_was_written_is_there_after_the_registry_is_closed(place: Place) -> None:
    first = place.registry()
    PROMISES[1](first)
    first.close()

    second = place.registry()

    assert [one.key for one in second.documents("shop")] == ["conversion"]
    assert place.verified().fine
    second.close()
