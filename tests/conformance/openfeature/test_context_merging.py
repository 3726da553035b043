"""contextMerging.feature."""

from __future__ import annotations

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagResolutionDetails
from openfeature.hook import Hook, HookContext, HookHints
from openfeature.transaction_context import ContextVarsTransactionContextPropagator
from pytest_bdd import given, parsers, scenarios, then, when

from splitrun.sdk.openfeature import SplitrunProvider
from tests.conformance.openfeature.conftest import World
from tests.conformance.openfeature.flags import ruleset

scenarios("contextMerging.feature")


class Retrievable(SplitrunProvider):
    """Keeps the context that it was asked with."""

    seen = EvaluationContext()

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        assert evaluation_context is not None
        self.seen = evaluation_context
        return super().resolve_string_details(flag_key, default_value, evaluation_context)


class Adding(Hook):
    """Adds entries before an evaluation."""

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}

    def before(self, hook_context: HookContext, hints: HookHints) -> EvaluationContext:
        del hook_context, hints
        return EvaluationContext(attributes=self.entries)


class Levels:
    """What was added where."""

    def __init__(self) -> None:
        self.provider = Retrievable(ruleset=ruleset())
        self.hook = Adding()
        self.invocation: dict[str, str] = {}
        self.order: list[str] = []

    def add(self, world: World, level: str, key: str, value: str) -> None:
        entry = EvaluationContext(attributes={key: value})
        match level:
            case "API":
                api.set_evaluation_context(api.get_evaluation_context().merge(entry))
            case "Transaction":
                api.set_transaction_context(api.get_transaction_context().merge(entry))
            case "Client":
                world.client.context = world.client.context.merge(entry)
            case "Invocation":
                self.invocation[key] = value
            case "Before Hooks":
                self.hook.entries[key] = value
            case _:
                pytest.fail(f"there is no level {level!r}")


@pytest.fixture
def levels() -> Levels:
    return Levels()


@given("a stable provider with retrievable context is registered")
def _(world: World, levels: Levels) -> None:
    api.set_provider_and_wait(levels.provider)
    api.set_transaction_context_propagator(ContextVarsTransactionContextPropagator())
    api.set_transaction_context(EvaluationContext())
    world.client = api.get_client()
    world.client.add_hooks([levels.hook])


@given(
    parsers.re(
        r'A context entry with key "(?P<key>.*)" and value "(?P<value>.*)" is added '
        r'to the "(?P<level>.*)" level'
    )
)
def _(world: World, levels: Levels, key: str, value: str, level: str) -> None:
    levels.add(world, level, key, value)


@given("A table with levels of increasing precedence")
def _(levels: Levels, datatable: list[list[str]]) -> None:
    levels.order = [level for (level,) in datatable]


@given(
    parsers.re(
        r'Context entries for each level from API level down to the "(?P<last>.*)" level, '
        r'with key "(?P<key>.*)" and value "(?P<value>.*)"'
    )
)
def _(world: World, levels: Levels, last: str, key: str, value: str) -> None:
    assert value == last
    for level in levels.order[: levels.order.index(last) + 1]:
        levels.add(world, level, key, level)


@when("Some flag was evaluated")
def _(world: World, levels: Levels) -> None:
    context = EvaluationContext(attributes=levels.invocation)
    assert world.client.get_string_value("string-flag", "bye", context) == "hi"


@then(parsers.re(r'The merged context contains an entry with key "(?P<key>.*)" and value "(?P<value>.*)"'))
def _(levels: Levels, key: str, value: str) -> None:
    assert levels.provider.seen.attributes[key] == value
