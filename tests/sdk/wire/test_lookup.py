"""A name server that is silent holds nobody longer than the deadline."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from splitrun.sdk.http import Channel
from splitrun.sdk.settings import Settings
from splitrun.sdk.wire.lookup import Address, Lookups

HERE: Address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 9))
LOOK_UP = socket.getaddrinfo


class Names:
    """A name server that answers when it is told to."""

    def __init__(self) -> None:
        self.told = threading.Event()
        self.asked = 0
        self.wrong: Exception | None = None

    def __call__(self, host: str, port: int, *, type: int, flags: int = 0) -> Sequence[Address]:  # noqa: A002 - its name there
        if flags:
            return LOOK_UP(host, port, type=type, flags=flags)
        self.asked += 1
        self.told.wait(60)
        if self.wrong is not None:
            raise self.wrong
        return [HERE]


@pytest.fixture
def names() -> Iterator[Names]:
    names = Names()
    yield names
    names.told.set()


def test_a_look_up_ends_with_its_deadline_and_the_next_one_joins_it(names: Names) -> None:
    lookups = Lookups(names)

    for _ in range(3):
        with pytest.raises(TimeoutError, match=r"the address of shop.example was not found within 0\.0 sec"):
            lookups.addresses("shop.example", 443, 0.01)

    assert names.asked == 1
    names.told.set()
    assert lookups.addresses("shop.example", 443, 60.0) == [HERE]


def test_an_address_is_not_looked_up(names: Names) -> None:
    found = Lookups(names).addresses("127.0.0.1", 80, 0.0)

    assert [one[4] for one in found] == [("127.0.0.1", 80)]
    assert names.asked == 0


@pytest.mark.parametrize(
    "wrong", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")], ids=repr
)
def test_a_host_that_is_not_known_says_so(names: Names, wrong: Exception) -> None:
    names.wrong = wrong
    names.told.set()

    with pytest.raises(OSError, match=r"not known|has no name"):
        Lookups(names).addresses("shop.example", 443, 60.0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_child_of_a_fork_looks_up_anew_what_its_parent_waits_for(names: Names) -> None:
    lookups = Lookups(names)
    with pytest.raises(TimeoutError):
        lookups.addresses("shop.example", 443, 0.01)

    child = os.fork()
    if not child:
        try:
            names.told = threading.Event()
            names.told.set()
            os._exit(0 if lookups.addresses("shop.example", 443, 60.0) == [HERE] else 1)
        finally:
            os._exit(2)

    assert os.waitpid(child, 0)[1] == 0


def test_a_request_does_not_outlast_its_timeout_where_the_name_server_is_silent(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", names)
    channel = Channel(Settings(url="http://shop.example", timeout=0.2))
    begun = time.monotonic()

    answer = channel.send(b"{}")

    assert time.monotonic() - begun < 30
    assert (answer.status, names.asked) == (0, 1)
    assert "the address of shop.example was not found within 0.2 seconds" in answer.says
