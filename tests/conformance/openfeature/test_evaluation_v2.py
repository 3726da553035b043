"""evaluation_v2.feature: what OpenFeature's specification asks of evaluations."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagEvaluationOptions
from openfeature.hook import Hook, HookContext, HookHints
from openfeature.provider import ProviderStatus
from pytest_bdd import given, parsers, scenarios, then, when

from tests.conformance.openfeature.conftest import World, read
from tests.sdk.shop import eventually

scenarios("evaluation_v2.feature")


class Noting(Hook):
    """Notes its name and when it is called."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name, self.notes = name, notes

    def before(self, hook_context: HookContext, hints: HookHints) -> None:  # noqa: ARG002 - their interface
        self.notes.append(f"before {self.name}")

    def after(
        self, hook_context: HookContext, details: FlagEvaluationDetails[Any], hints: HookHints
    ) -> None:  # their interface
        del hook_context, details, hints
        self.notes.append(f"after {self.name}")

    def finally_after(
        self, hook_context: HookContext, details: FlagEvaluationDetails[Any], hints: HookHints
    ) -> None:
        del hook_context, details, hints
        self.notes.append(f"finally {self.name}")


@pytest.fixture
def notes() -> list[str]:
    return []


@given(
    parsers.re(
        r'a context containing a key "(?P<key>.*)", with type "(?P<kind>.*)" and with value "(?P<value>.*)"'
    )
)
def _(world: World, key: str, kind: str, value: str) -> None:
    world.attributes[key] = read(kind, value)


@given(parsers.re(r'a context containing a key "(?P<key>.*)" with null value'))
def _(world: World, key: str) -> None:
    world.attributes[key] = None


@given("evaluation options containing specific hooks", target_fixture="options")
def _(notes: list[str]) -> FlagEvaluationOptions:
    return FlagEvaluationOptions(hooks=[Noting("first", notes), Noting("second", notes)])


@given("an evaluation context with modifiable data")
def _(world: World) -> None:
    world.attributes = {"email": "ballmer@macrosoft.com", "roles": ["admin"]}


@when("the flag was evaluated with details using the evaluation options")
def _(world: World, options: FlagEvaluationOptions) -> None:
    world.ask(flag_evaluation_options=options)


@when("the flag was evaluated with details asynchronously", target_fixture="took")
def _(world: World) -> float:
    asks = getattr(world.client, f"get_{world.kind}_details_async")
    begun = time.monotonic()
    world.details = asyncio.run(asks(world.key, world.default, EvaluationContext()))
    return time.monotonic() - begun


@then("the evaluation should complete without blocking")
def _(took: float) -> None:
    assert took < 1.0


@then(parsers.re(r'the resolved details value should be "(?P<value>.*)"'))
def _(world: World, value: str) -> None:
    expected = read(world.kind, value)
    assert world.found.value == expected
    assert type(world.found.value) is type(expected)


@then(parsers.re(r'the reason should be "(?P<reason>[A-Z_]*)"'))
def _(world: World, reason: str) -> None:
    assert world.found.reason == reason


@then(parsers.re(r'the error-code should be "(?P<code>.*)"'))
def _(world: World, code: str) -> None:
    assert world.found.error_code is ErrorCode(code)


@then(parsers.re(r'the flag key should be "(?P<key>.*)"'))
def _(world: World, key: str) -> None:
    assert world.found.flag_key == key


@then(parsers.re(r'the variant should be "(?P<variant>[^"]*)"'))
def _(world: World, variant: str) -> None:
    assert world.found.variant == variant


@then(parsers.re(r'the provider status should be "(?P<status>.*)"'))
def _(status: str) -> None:
    client = api.get_client()
    assert eventually(lambda: client.get_provider_status() is ProviderStatus(status))


@then("the specified hooks should execute during evaluation")
def _(notes: list[str]) -> None:
    assert {"before first", "before second"} <= set(notes)


@then("the hook order should be maintained")
def _(notes: list[str]) -> None:
    assert notes == [
        "before first",
        "before second",
        "after second",
        "after first",
        "finally second",
        "finally first",
    ]


@then("the original evaluation context should remain unmodified")
def _(world: World) -> None:
    assert world.attributes == {"email": "ballmer@macrosoft.com", "roles": ["admin"]}


@then("the evaluation details should be immutable")
def _(world: World) -> None:
    with pytest.raises(TypeError):
        world.found.flag_metadata["ruleset"] = 2  # type: ignore[index] # that it cannot is what is asked
