"""The world of a scenario, its providers, and the steps that several features share."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import GeneralError, ProviderFatalError
from openfeature.flag_evaluation import FlagEvaluationDetails
from pytest_bdd import given, parsers, when
from pytest_bdd.parser import Feature, Scenario

from splitrun.sdk.openfeature import SplitrunProvider
from tests.conformance.openfeature.flags import ruleset
from tests.conformance.openfeature.inapplicable import INAPPLICABLE

TAGS = ("booleans", "strings", "numbers", "objects", "hooks", "transaction")
"""Tags of examples, which pytest-bdd always makes markers of."""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    for tag in TAGS:
        config.addinivalue_line("markers", f"{tag}: a tag of OpenFeature's examples")


def pytest_bdd_apply_tag(tag: str, function: Callable[..., None]) -> bool:  # noqa: ARG001 - pytest-bdd's interface
    """Make no markers of their tags."""
    return True


def pytest_bdd_before_scenario(
    request: pytest.FixtureRequest,  # noqa: ARG001 - pytest-bdd's interface
    feature: Feature,
    scenario: Scenario,
) -> None:
    """Leave out what cannot apply, and say why."""
    reason = INAPPLICABLE.get((Path(feature.filename).name, scenario.name))
    if reason is not None:
        pytest.skip(reason)


def read(kind: str, text: str) -> Any:  # noqa: ANN401 - a value of the type that the scenario names
    """Read a value as a scenario writes it."""
    match kind.lower():
        case "boolean":
            return text.lower() == "true"
        case "integer":
            return int(text)
        case "float":
            return float(text)
        case "object":
            return json.loads(text.replace('\\"', '"'))
        case _:
            return text


@dataclass
class World:
    """What a scenario has said so far."""

    client: OpenFeatureClient = field(default_factory=api.get_client)
    kind: str = ""
    key: str = ""
    default: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)
    details: FlagEvaluationDetails[Any] | None = None

    def ask(self, context: Mapping[str, Any] | None = None, **more: Any) -> FlagEvaluationDetails[Any]:  # noqa: ANN401
        """Evaluate the flag."""
        asks = getattr(self.client, f"get_{self.kind}_details")
        said = EvaluationContext(attributes=self.attributes if context is None else context)
        self.details = found = asks(self.key, self.default, said, **more)
        assert isinstance(found, FlagEvaluationDetails)
        return found

    @property
    def found(self) -> FlagEvaluationDetails[Any]:
        """The details of the last evaluation."""
        assert self.details is not None
        return self.details


@pytest.fixture
def world() -> Iterator[World]:
    yield World()
    api.shutdown()


@pytest.fixture
def silence() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def nobody() -> str:
    """A server that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


@given("a stable provider")
def _(world: World) -> None:
    api.set_provider_and_wait(SplitrunProvider(ruleset=ruleset()))
    world.client = api.get_client()


@given("a not ready provider")
def _(silence: str) -> None:
    api.set_provider(SplitrunProvider(silence, wait=60.0))


@given("a error provider")
def _(nobody: str) -> None:
    with pytest.raises(GeneralError):
        api.set_provider_and_wait(SplitrunProvider(nobody, wait=5.0))


@given("a fatal provider")
def _() -> None:
    with pytest.raises(ProviderFatalError):
        api.set_provider_and_wait(SplitrunProvider("ftp://nowhere.example"))


@given("a stale provider")
def _(nobody: str) -> None:
    api.set_provider_and_wait(SplitrunProvider(nobody, bootstrap=ruleset(), wait=5.0))


@given(
    parsers.re(r'an? (?P<kind>[A-Za-z]+)-flag with key "(?P<key>.*)" and a fallback value "(?P<default>.*)"')
)
def _(world: World, kind: str, key: str, default: str) -> None:
    world.kind, world.key, world.default = kind.lower(), key, read(kind, default)


@when("the flag was evaluated with details")
def _(world: World) -> None:
    world.ask()
