from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from flask import Flask
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ProviderFatalError

from splitrun.errors import SettingError
from splitrun.sdk.asgi import SplitrunMiddleware as Asgi
from splitrun.sdk.asynchronous import AsyncClient
from splitrun.sdk.client import Client
from splitrun.sdk.django import middleware
from splitrun.sdk.flask import Splitrun
from splitrun.sdk.openfeature import SplitrunProvider
from splitrun.sdk.options.kinds import TOKEN
from splitrun.sdk.settings import Clock, Settings, settled
from splitrun.sdk.visits.policy import Options, Visits
from splitrun.sdk.wsgi import SplitrunMiddleware as Wsgi
from tests.sdk import test_django
from tests.sdk.shop import document, shop
from tests.sdk.test_client import Kept

assert test_django.__name__, "Django is configured there"


class Speechless:
    """Cannot be written, compared or counted."""

    def __repr__(self) -> str:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


@dataclass
class Nowhere(os.PathLike[str]):
    """A path that is none."""

    def __fspath__(self) -> str:
        raise RuntimeError


VALUES: dict[str, Any] = {
    "none": None,
    "true": True,
    "zero": 0,
    "five": 5,
    "below": -1,
    "huge": 10**400,
    "half": 1.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "million years": 1e14,
    "empty": "",
    "text": "abc",
    "word": "granted",
    "lines": "a\r\nX: y",
    "NUL": "a\0b",
    "surrogate": "\ud800",
    "accent": "\u00e4",
    "bytes": b"abc",
    "list": [5],
    "texts": ["a"],
    "empty list": [],
    "dict": {"k": 5},
    "keys": {"k": "v"},
    "function": lambda _: None,
    "class": Client,
    "speechless": Speechless(),
    "no path": Nowhere(),
}
PATHS = {"none", "text", "word", "accent", "lines"}
SPANS = {"five", "half"}
WHOLES = {"five"}
GOOD: dict[str, set[str]] = {
    "url": {"none"},
    "key": {"none", "text", "word"},
    "file": PATHS,
    "ruleset": {"none", "bytes"},
    "bootstrap": {"none", "bytes"},
    "delivery": {"none"},
    "release": {"empty", "text", "word", "lines", "NUL", "accent"},
    "consent": {"word"},
    "opted_out": {"none", "function", "class", "texts", "empty list", "dict", "keys"},
    "sticky": {"none"},
    "cache": PATHS,
    "spool": PATHS,
    "verify": {"none", "keys"},
    "certificates": PATHS,
    "wait": SPANS | {"zero"},
    "push": {"true"},
    "poll": SPANS,
    "stale_after": SPANS,
    "heartbeat": SPANS,
    "timeout": SPANS,
    "interval": SPANS,
    "queue": WHOLES,
    "queue_bytes": WHOLES,
    "spool_bytes": WHOLES,
    "remember": WHOLES,
    "clock": set(),
}
"""Which of the values each option of a client takes."""

VISITS: dict[str, set[str]] = {
    "consent": {"word", "function", "class"},
    "consent_cookie": {"text", "word"},
    "unit": {"none", "function", "class"},
    "attributes": {"none", "function", "class"},
    "cookie": {"text", "word"},
    "secrets": {"empty list"},
    "max_age": WHOLES,
    "secure": {"true"},
    "domain": {"empty", "text", "word"},
}
"""Which of them each option of a middleware takes."""


def taken(make: Callable[[dict[str, Any]], object], name: str, value: object) -> bool:
    """Whether an option is taken; a refusal names it, its value and what is expected, whatever it is."""
    try:
        make({name: value})
    except SettingError as error:
        (says,) = str(error).splitlines()
        assert says.startswith(f"{name} is "), says
        assert "; give " in says
        assert len(says) < 250
        return False
    return True


@pytest.mark.parametrize("name", Settings.__struct_fields__)
def test_every_option_of_a_client_takes_what_it_may_be_and_nothing_else(name: str) -> None:
    def make(options: dict[str, Any]) -> Settings:
        whole: Any = {"url": "https://shop.example"} | options
        if whole["url"] is None:
            whole["bootstrap"] = document()
        return settled(whole.pop("url"), whole)

    assert {kind for kind, value in VALUES.items() if taken(make, name, value)} == GOOD[name]


@pytest.mark.parametrize("name", list(Options.__annotations__))
def test_every_option_of_the_middlewares_takes_what_it_may_be_and_nothing_else(name: str) -> None:
    def make(options: Any) -> Visits[str]:  # noqa: ANN401 - what nobody should give
        return Visits(options)

    assert {kind for kind, value in VALUES.items() if taken(make, name, value)} == VISITS[name]


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://shop.example", True),
        ("http://127.0.0.1:8080/splitrun/", True),
        ("http://[::1]:80", True),
        ("HTTPS://shop.example", True),
        ("https://", False),
        ("https://:80", False),
        ("https://shop.example:port", False),
        ("https://shop.example:99999", False),
        ("https://ada:secret@shop.example", False),
        ("https://shop.example/?key=5", False),
        ("https://shop.example/#top", False),
        ("https://shop.example/\r\nX: y", False),
        ("https://[::1", False),
        ("ftp://shop.example", False),
        ("shop.example", False),
    ],
)
def test_an_address_is_one_to_which_a_path_can_be_added(url: str, *, good: bool) -> None:
    assert taken(lambda options: settled(options["url"], {}), "url", url) is good


def test_all_mistakes_are_told_at_once_and_no_secret_is_repeated() -> None:
    wrong: dict[str, Any] = {"queue": 1.5, "polll": 3, "key": "sdk-hidden\r\nX: y", "wait": -1}

    for made in (Client, AsyncClient):
        with pytest.raises(SettingError) as caught:
            made("https://shop.example", **wrong)

        assert str(caught.value).splitlines() == [
            "a client has no option 'polll'; did you mean 'poll'?",
            f"key is a str that cannot be taken; give {TOKEN.expects}",
            "wait is -1; give a number of seconds, 0 or more and at most 31,536,000",
            "queue is 1.5; give a whole number, at least 1",
        ]


def test_what_is_given_as_it_should_be_is_taken(tmp_path: Path) -> None:
    said: Any = {
        "ruleset": memoryview(document()),
        "bootstrap": shop(),
        "delivery": Kept(),
        "opted_out": frozenset({"u1"}),
        "spool": tmp_path / "spool",
        "clock": Clock(),
    }

    with Client(**said) as client:
        assert client.ruleset == shop()


@pytest.mark.parametrize(
    "options", [{"secrets": [5]}, {"domain": "a\r\nb"}, {"max_age": 1.5}, {"concent": 5}]
)
def test_every_middleware_refuses_what_cannot_be_used(options: dict[str, Any]) -> None:
    (name,) = options
    says = f"^{name} is .*; give " if name != "concent" else "has no option 'concent'; did you mean 'consent'"

    nothing: Any = None
    for made in (
        lambda: Asgi(nothing, **options),
        lambda: Wsgi(nothing, **options),
        lambda: Splitrun(Flask("shop"), **options),
    ):
        with pytest.raises(SettingError, match=says):
            made()
    with override_settings(SPLITRUN=options), pytest.raises(SettingError, match=says):
        middleware(lambda request: request)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"consent": "granted", "consent_cookie": "consent"}, "are both given; keep the one"),
        ({"consent_cookie": "splitrun_unit"}, "have one name; give them two"),
        ({5: "x"}, "has no option 5; choose from"),
    ],
)
def test_options_of_a_middleware_that_contradict_each_other_are_refused(
    options: dict[Any, Any], says: str
) -> None:
    with override_settings(SPLITRUN=options), pytest.raises(SettingError, match=says):
        middleware(lambda request: request)


def test_what_is_flushed_at_the_end_and_djangos_settings_are_checked_too() -> None:
    nothing: Any = None
    wrong: Any = 5
    with pytest.raises(SettingError, match="client is 5; give a Client or an AsyncClient"):
        Asgi(nothing, wrong)
    with override_settings(SPLITRUN=[5]), pytest.raises(SettingError, match="give a dict of options"):
        middleware(lambda request: request)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"client": 5}, "client is 5; give a Client or an AsyncClient"),
        ({"client": Client}, "give a Client or an AsyncClient"),
        ({"hooks": 5}, "hooks is 5; give a list of hooks"),
        ({"hooks": "hook"}, "give a list of hooks"),
        ({"url": 5}, "url is 5; give an address"),
        ({"url": "https://shop.example", "queue": "x"}, "queue is 'x'; give a whole number"),
    ],
)
def test_a_provider_tells_wrong_options_when_it_is_initialised(options: dict[str, Any], says: str) -> None:
    provider = SplitrunProvider(**options)

    with pytest.raises(ProviderFatalError, match=says):
        provider.initialize(EvaluationContext())

    assert provider.get_provider_hooks() == []
    provider.shutdown()
