"""hooks.feature and metadata.feature."""

from __future__ import annotations

from typing import Any

import pytest
from openfeature.flag_evaluation import FlagEvaluationDetails
from openfeature.hook import Hook, HookContext, HookHints
from pytest_bdd import given, parsers, scenarios, then

from tests.conformance.openfeature.conftest import World, read

scenarios("hooks.feature", "metadata.feature")


class Seeing(Hook):
    """Keeps what it is called with."""

    def __init__(self) -> None:
        self.calls: dict[str, FlagEvaluationDetails[Any] | None] = {}

    def before(self, hook_context: HookContext, hints: HookHints) -> None:
        del hook_context, hints
        self.calls["before"] = None

    def after(self, hook_context: HookContext, details: FlagEvaluationDetails[Any], hints: HookHints) -> None:
        del hook_context, hints
        self.calls["after"] = details

    def error(self, hook_context: HookContext, exception: Exception, hints: HookHints) -> None:
        del hook_context, exception, hints
        self.calls["error"] = None

    def finally_after(
        self, hook_context: HookContext, details: FlagEvaluationDetails[Any], hints: HookHints
    ) -> None:
        del hook_context, hints
        self.calls["finally"] = details


@pytest.fixture
def hook() -> Seeing:
    return Seeing()


@given("a client with added hook")
def _(world: World, hook: Seeing) -> None:
    world.client.add_hooks([hook])


@then(parsers.re(r'the "(?P<name>[a-z]+)" hook should have been executed'))
def _(hook: Seeing, name: str) -> None:
    assert name in hook.calls


@then(parsers.re(r'the "(?P<names>[a-z, ]+)" hooks should be called with evaluation details'))
def _(hook: Seeing, names: str, datatable: list[list[str]]) -> None:
    for name in names.split(", "):
        details = hook.calls[name]
        for kind, key, value in datatable[1:]:
            expected = None if value == "null" else read(kind, value)
            assert getattr(details, key) == expected, (name, key)
