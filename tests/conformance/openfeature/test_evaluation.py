"""evaluation.feature, deprecated by OpenFeature and kept."""

from __future__ import annotations

from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from pytest_bdd import parsers, scenarios, then, when

from tests.conformance.openfeature.conftest import World, read

scenarios("evaluation.feature")


@when(
    parsers.re(
        r'an? (?P<kind>boolean|string|integer|float) flag with key "(?P<key>.*)" is evaluated '
        r'with (details and )?default value "?(?P<default>[^"]*)"?'
    )
)
def _(world: World, kind: str, key: str, default: str) -> None:
    world.kind, world.key, world.default = kind, key, read(kind, default)
    world.ask()


@when(
    parsers.re(r'an object flag with key "(?P<key>.*)" is evaluated with (details and )?a null default value')
)
def _(world: World, key: str) -> None:
    world.kind, world.key, world.default = "object", key, None
    world.ask()


@when(
    parsers.re(
        r'a non-existent string flag with key "(?P<key>.*)" is evaluated with details '
        r'and a fallback value "(?P<default>.*)"'
    )
)
def _(world: World, key: str, default: str) -> None:
    world.kind, world.key, world.default = "string", key, default
    world.ask()


@when(
    parsers.re(
        r'a string flag with key "(?P<key>.*)" is evaluated as an integer, with details '
        r"and a fallback value (?P<default>\d+)"
    )
)
def _(world: World, key: str, default: str) -> None:
    world.kind, world.key, world.default = "integer", key, int(default)
    world.ask()


@when('context contains keys "fn", "ln", "age", "customer" with values "Sulisław", "Świętopełk", 29, "false"')
def _(world: World) -> None:
    world.attributes = {"fn": "Sulisław", "ln": "Świętopełk", "age": 29, "customer": False}


@when(parsers.re(r'a flag with key "(?P<key>.*)" is evaluated with default value "(?P<default>.*)"'))
def _(world: World, key: str, default: str) -> None:
    world.kind, world.key, world.default = "string", key, default
    world.ask()


@then(
    parsers.re(
        r'the resolved (?P<kind>boolean|string|integer|float) (value|response) should be "?(?P<value>[^"]*)"?'
    )
)
def _(world: World, kind: str, value: str) -> None:
    assert world.found.value == read(kind, value)
    assert type(world.found.value) is type(read(kind, value))


@then(
    parsers.re(
        r'the resolved (?P<kind>boolean|string|integer|float) details value should be "?(?P<value>[^"]*)"?, '
        r'the variant should be "(?P<variant>.*)", and the reason should be "(?P<reason>.*)"'
    )
)
def _(world: World, kind: str, value: str, variant: str, reason: str) -> None:
    found = world.found
    assert (found.value, found.variant, found.reason) == (read(kind, value), variant, reason)


@then(
    parsers.re(
        r'the resolved object (details )?value should be contain fields "(?P<first>.*)", "(?P<second>.*)", '
        r'and "(?P<third>.*)", with values "(?P<one>.*)", "(?P<two>.*)" and (?P<three>\d+), respectively'
    )
)
def _(world: World, first: str, second: str, third: str, one: str, two: str, three: str) -> None:  # noqa: PLR0913, PLR0917
    assert world.found.value == {first: read("boolean", one), second: two, third: int(three)}


@then(parsers.re(r'the variant should be "(?P<variant>.*)", and the reason should be "(?P<reason>.*)"'))
def _(world: World, variant: str, reason: str) -> None:
    assert (world.found.variant, world.found.reason) == (variant, reason)


@then(parsers.re(r'the resolved flag value is "(?P<value>.*)" when the context is empty'))
def _(world: World, value: str) -> None:
    assert world.ask({}).value == value


@then(parsers.re(r"the default (string|integer) value should be returned"))
def _(world: World) -> None:
    assert world.found.value == world.default


@then(
    parsers.re(
        r"the reason should indicate an error and the error code should indicate "
        r'a (missing flag|type mismatch) with "(?P<code>.*)"'
    )
)
def _(world: World, code: str) -> None:
    assert (world.found.reason, world.found.error_code) == (Reason.ERROR, ErrorCode(code))
