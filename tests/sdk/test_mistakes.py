from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import numpy as np
import pytest

from splitrun.assign.evaluation import Detail, ErrorCode, Reason
from splitrun.assign.evaluator import Evaluator
from splitrun.sdk.client import Client
from splitrun.sdk.event import Event, Exposure
from tests.sdk.shop import shop
from tests.sdk.test_client import ONE_PAGE, Kept


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


class Hostile(Mapping[str, object]):
    """A mapping that cannot be read, and whose exception cannot be written."""

    def __getitem__(self, name: str) -> object:
        raise SpeechlessError

    def __iter__(self) -> Iterator[str]:
        raise SpeechlessError

    def __len__(self) -> int:
        return 1


class Unhashed(str):
    __slots__ = ()

    def __hash__(self) -> int:
        raise SpeechlessError

    def __eq__(self, other: object) -> bool:
        raise SpeechlessError


class Speechless:
    def __str__(self) -> str:
        raise SpeechlessError


class Banner(StrEnum):
    DE = "DE"


ODD = [
    None,
    b"x",
    5,
    1.5,
    [],
    {},
    "\0",
    "\ud800",
    Hostile(),
    Unhashed("u1"),
    Speechless(),
    True,
    type,
    object(),
]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def client(kept: Kept) -> Iterator[Client]:
    with Client(ruleset=shop(), delivery=kept) as client:
        yield client


def exposed(client: Client, kept: Kept) -> list[Exposure]:
    assert client.flush()
    return [event for event in kept.events if isinstance(event, Exposure)]


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_whatever_a_caller_gives_nothing_is_raised_into_a_request(
    client: Client, odd: str, *, careful: bool
) -> None:
    if careful:
        client.opt_out("somebody")

    for flag, unit in ((odd, "u1"), ("checkout", odd), (odd, odd)):
        client.variant(flag, unit)
        client.value(flag, unit, "three")
        client.evaluate(flag, unit)
        client.parameters(flag, unit)
        client.explain(flag, unit)
        client.expose(flag, unit)
        client.trigger(flag, unit)
        client.track(flag, unit)
        client.alias(flag, unit)
    client.consent(odd, "granted")
    client.consent("u1", odd)
    client.opt_out(odd)
    client.track("buy", "u1", odd, consent=odd, unit_type=odd)  # type: ignore[arg-type] # as the rest
    client.alias("u1", "u2", consent=odd, unit_type=odd, was_type=odd)

    assert client.statistics.blunders == 0
    client.flush()


@pytest.mark.parametrize("wrong", [5, ["DE"], Hostile()], ids=["number", "list", "hostile"])
def test_attributes_that_cannot_be_read_get_the_flags_default_and_say_so(
    client: Client, kept: Kept, wrong: Mapping[str, object]
) -> None:
    answer = client.evaluate("checkout", ONE_PAGE, wrong)

    assert (answer.value, answer.variant) == ("three", "three-page")
    assert (answer.reason, answer.detail, answer.error) == (
        Reason.ERROR,
        Detail.ERROR,
        ErrorCode.INVALID_CONTEXT,
    )
    assert "give a mapping of names to values" in answer.says
    assert client.variant("checkout", ONE_PAGE, attributes=wrong) == "three-page"
    assert client.value("checkout", ONE_PAGE, 7, wrong) == 7
    assert client.parameters("list", ONE_PAGE, wrong) == {"rows": 20, "images": True}
    explanation = client.explain("checkout", ONE_PAGE, wrong)
    assert (explanation.evaluation, explanation.steps) == (answer, ())
    client.expose("checkout", ONE_PAGE, wrong)
    client.trigger("checkout", ONE_PAGE, wrong)
    client.track("buy", ONE_PAGE, properties=wrong)
    assert exposed(client, kept) == []
    assert (client.statistics.blunders, client.statistics.rejected) == (0, 2)


def test_a_flag_whose_text_cannot_be_looked_up_is_not_raised_by_the_evaluator() -> None:
    evaluator = Evaluator(shop())

    assert evaluator.evaluate(Unhashed("colour"), "u1", {}).value == "grey"
    assert evaluator.evaluate(Unhashed("nonsense"), "u1", {}).error is ErrorCode.FLAG_NOT_FOUND
    assert evaluator.parameters(Unhashed("list"), "u1", {}).values == {"rows": 20, "images": True}
    assert evaluator.explain(Unhashed("colour"), "u1", {}).evaluation.flag == "colour"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (np.str_("DE"), "DE"),
        (Banner.DE, "DE"),
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),  # noqa: FBT003 - it is the value
        (Decimal("1.5"), 1.5),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        ("\u00d6sterreich", "\u00d6sterreich"),
        (0.25, 0.25),
    ],
    ids=repr,
)
def test_a_segment_attribute_is_sent_as_what_it_stands_for(
    client: Client, kept: Kept, given: object, sent: object
) -> None:
    client.variant("checkout", ONE_PAGE, country=given, tier=1)

    (exposure,) = exposed(client, kept)
    assert exposure.attributes == {"country": sent, "tier": 1}
    assert type(exposure.attributes["country"]) is type(sent)
    assert client.statistics.left_out == 0


@pytest.mark.parametrize(
    "bad",
    [
        b"DE",
        ("DE",),
        float("nan"),
        float("inf"),
        10**15 + 1,
        -1e16,
        "\ud800",
        "x" * 70_000,
        "\0" * 10_000,
        object(),
        Speechless(),
    ],
    ids=[
        "bytes",
        "tuple",
        "nan",
        "inf",
        "large",
        "large float",
        "surrogate",
        "long",
        "long in JSON",
        "object",
        "speechless",
    ],
)
@pytest.mark.parametrize("consent", [None, "granted"])
def test_a_bad_segment_attribute_is_left_out_and_counted_and_the_exposure_is_logged(
    client: Client, kept: Kept, bad: object, consent: str | None
) -> None:
    client.variant("checkout", ONE_PAGE, country=bad, tier=1, consent=consent)

    (exposure,) = exposed(client, kept)
    assert exposure.attributes == {"tier": 1}
    assert (client.statistics.left_out, client.statistics.rejected) == (1, 0)


@pytest.mark.parametrize("consent", [None, "granted"])
def test_an_id_of_a_text_of_its_own_kind_is_logged_as_its_text(
    client: Client, kept: Kept, consent: str | None
) -> None:
    unit = np.str_(ONE_PAGE)

    client.variant("checkout", unit, consent=consent)
    client.track("buy", unit, consent=consent)
    client.alias(np.str_("cookie"), unit, consent=consent)

    assert [each.unit.id for each in exposed(client, kept)] == [ONE_PAGE]
    assert [type(each).__name__ for each in kept.events] == ["Exposure", "Event", "Alias"]
    assert client.statistics.rejected == 0


def test_what_a_unit_of_its_own_kind_of_text_held_back_is_logged_when_it_grants(kept: Kept) -> None:
    with Client(ruleset=shop(), delivery=kept, consent="pending") as client:
        client.variant("checkout", np.str_(ONE_PAGE))

        client.consent(ONE_PAGE, "granted")

        assert [each.unit.id for each in exposed(client, kept)] == [ONE_PAGE]


def test_an_experiment_on_accounts_whose_ids_are_whole_numbers_is_logged(client: Client, kept: Kept) -> None:
    client.evaluate("billing", "u1", account_id=42)
    client.evaluate("billing", "u2", account_id=42)
    client.trigger("billing", "u2", account_id=42)

    assert [(each.unit.type, each.unit.id, each.trigger) for each in exposed(client, kept)] == [
        ("account", "42", False),
        ("account", "42", True),
    ]


@pytest.mark.parametrize(
    ("name", "unit", "unit_type"),
    [(b"purchase", "u1", None), (["a"], "u1", None), ("buy", b"u1", None), ("buy", "u1", 5)],
    ids=repr,
)
def test_an_event_whose_name_or_unit_is_no_text_is_rejected_and_others_are_sent(
    client: Client, kept: Kept, name: str, unit: str, unit_type: str | None
) -> None:
    client.track(name, unit, unit_type=unit_type)
    client.track("buy", "u1")

    assert client.flush()
    assert [(each.name, each.unit.id) for each in kept.events if isinstance(each, Event)] == [("buy", "u1")]
    assert (client.statistics.rejected, client.statistics.blunders) == (1, 0)


class Closed(set[int]):
    def __iter__(self) -> Iterator[int]:
        raise SpeechlessError


def test_a_property_that_raises_when_it_is_read_is_no_mistake_of_ours(client: Client, kept: Kept) -> None:
    client.track("buy", "u1", sizes=Closed({1}))
    client.track("buy", "u2")

    assert client.flush()
    assert [each.unit.id for each in kept.events if isinstance(each, Event)] == ["u2"]
    assert (client.statistics.rejected, client.statistics.blunders) == (1, 0)
    assert "SpeechlessError" in client._sender.note  # noqa: SLF001 - it goes into the log
