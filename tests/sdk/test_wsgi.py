from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from splitrun.sdk.context import NOWHERE, current
from splitrun.sdk.wsgi import SplitrunMiddleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

UNIT = "0123456789abcdef0123456789abcdef"
Headers = list[tuple[str, str]]


def whole(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [current().unit.encode()]


class Pieces:
    """A body that is made while it is sent, and is closed."""

    closed_by = ""

    def __iter__(self) -> Iterator[bytes]:
        yield current().unit.encode()

    def close(self) -> None:
        Pieces.closed_by = current().unit


def streamed(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Pieces()


def failing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    try:
        environ["no such page"]
    except KeyError:
        start_response("500 Oh", [("Content-Type", "text/plain")], sys.exc_info())
    return [b"sorry"]


def public(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Cache-Control", "public")])
    return (b"for all",)


def asked(app: SplitrunMiddleware, **environ: str) -> tuple[str, Headers, bytes]:
    """Ask an application, and have the reference implementation see that both sides keep to WSGI."""
    seen: list[tuple[str, Headers]] = []
    given: dict[str, object] = {"QUERY_STRING": "", **environ}
    setup_testing_defaults(given)

    def start(status: str, headers: Headers, failure: object = None, /) -> object:
        del failure
        seen.append((status, headers))
        return None

    body = validator(app)(given, start)  # type: ignore[arg-type] # what validator answers is the same
    said = b"".join(body)
    body.close()  # type: ignore[attr-defined] # that of the validator has it
    return seen[-1][0], seen[-1][1], said


def granted(app: object) -> SplitrunMiddleware:
    return SplitrunMiddleware(app, consent="granted")  # type: ignore[arg-type] # typed where it stands


def test_a_request_has_its_context_and_gets_a_cookie() -> None:
    status, headers, body = asked(granted(whole))

    assert status == "200 OK"
    assert dict(headers)["Set-Cookie"].startswith(f"splitrun_unit={body.decode()}; Path=/; Max-Age=")
    assert current() is NOWHERE


def test_a_known_visitor_gets_no_other_cookie() -> None:
    _, headers, body = asked(granted(whole), HTTP_COOKIE=f"splitrun_unit={UNIT}")

    assert body.decode() == UNIT
    assert "Set-Cookie" not in dict(headers)


def test_a_body_made_while_it_is_sent_knows_its_request() -> None:
    _, _, body = asked(granted(streamed), HTTP_COOKIE=f"splitrun_unit={UNIT}")

    assert body.decode() == UNIT
    assert Pieces.closed_by == UNIT


def test_a_failure_is_passed_on() -> None:
    status, headers, body = asked(granted(failing))

    assert (status, body) == ("500 Oh", b"sorry")
    assert "Set-Cookie" in dict(headers)


def test_a_response_that_others_may_be_given_sets_no_cookie() -> None:
    _, headers, _ = asked(granted(public))

    assert "Set-Cookie" not in dict(headers)


@pytest.mark.requirement("R79")
def test_global_privacy_control_is_heeded() -> None:
    _, headers, body = asked(granted(whole), HTTP_SEC_GPC="1")

    assert (body, dict(headers).get("Set-Cookie")) == (b"", None)


def test_a_body_without_an_end_of_its_own_is_let_go() -> None:
    app = granted(lambda environ, start: iter(whole(environ, start)))
    given: dict[str, object] = {}
    setup_testing_defaults(given)

    body = app(given, lambda *_: lambda _: None)

    assert len(b"".join(body)) == 32
    body.close()  # type: ignore[attr-defined] # ours has it


def test_requests_in_threads_know_their_own_unit_only() -> None:
    together = Barrier(8)

    def waits(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        together.wait(5)
        return [current().unit.encode()]

    app = granted(waits)

    def ask(number: int) -> bool:
        unit = f"{number:032x}"
        return asked(app, HTTP_COOKIE=f"splitrun_unit={unit}")[2].decode() == unit

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(32)))
