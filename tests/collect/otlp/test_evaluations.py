"""Evaluations in every published shape become exposures; asking the ruleset favours no variant."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import Arm, Experiment, Ruleset, Run, Serve
from splitrun.collect.codes import Code
from splitrun.collect.otlp.meaning import instant
from splitrun.collect.outcomes import OK, Judge
from splitrun.sdk.event import Exposure, Unit
from splitrun.spec.project import Otlp
from splitrun.terms.parse import parse
from tests.collect.otlp.sending import (
    AT,
    Shelf,
    codes,
    evaluation,
    events,
    log,
    logs,
    meaning,
    meant,
    pairs,
    spans,
)
from tests.sdk.shop import HALF, shop

BARE = ("splitrun.experiment", "splitrun.experiment_version", "splitrun.phase", "splitrun.detail")


def bare(**more: object) -> dict[str, object]:
    """What is told beside, of an evaluation that does not tell its experiment."""
    return {name.replace(".", "__"): None for name in BARE} | more


def only(found: object) -> Exposure:
    (one,) = events(found)  # type: ignore[arg-type] # what `meant` gives
    assert isinstance(one, Exposure)
    return one


def chosen(unit: str, ruleset: Ruleset, **attributes: object) -> str:
    return Evaluator(ruleset).evaluate("checkout", unit, attributes).variant or ""


def near(ruleset: Ruleset) -> Ruleset:
    """The shop, its experiment for one country only."""
    one = replace(ruleset.experiments["one-page-checkout"], audience=parse("country = 'DE'"))
    return replace(ruleset, experiments={**ruleset.experiments, "one-page-checkout": one})


def test_an_evaluation_that_tells_its_experiment_is_an_exposure_as_the_sdk_sends_it() -> None:
    record = evaluation(**{"splitrun.attribute.country": "DE", "splitrun.attribute.secret": "x"})

    found = only(meant(logs(record, service__version="2.1")))

    assert found == Exposure(
        id=found.id,
        time="2026-11-22T08:00:00.000001Z",
        unit=Unit("user", "u1"),
        flag="checkout",
        experiment="one-page-checkout",
        version=1,
        phase=1,
        variant="one-page",
        ruleset=1,
        reason="SPLIT",
        detail="variant",
        release="2.1",
        attributes={"country": "DE"},
    )
    assert instant(AT) == found.time


def test_an_evaluation_while_enrolment_was_paused_says_so() -> None:
    assert only(meant(logs(evaluation(splitrun__enrolling=False)))).enrolling is False
    assert only(meant(logs(evaluation()))).enrolling is True


# today's record; the names before it; an event's name as an attribute; a body that holds names
SHAPES = [
    log(
        feature_flag__key="checkout",
        feature_flag__result__variant="VARIANT",
        feature_flag__context__id="UNIT",
        feature_flag__result__reason="split",
    ),
    log(
        feature_flag__key="checkout",
        feature_flag__variant="VARIANT",
        feature_flag__context__id="UNIT",
        feature_flag__evaluation__reason="split",
        feature_flag__provider_name="flags",
    ),
    log(
        "",
        event__name="feature_flag.evaluation",
        feature_flag__key="checkout",
        feature_flag__variant="VARIANT",
        feature_flag__context__id="UNIT",
    ),
    log(
        body={
            "feature_flag.key": "checkout",
            "feature_flag.variant": "VARIANT",
            "feature_flag.context.id": "UNIT",
        }
    ),
]


@pytest.mark.parametrize("shape", range(len(SHAPES)))
@pytest.mark.parametrize("json", [False, True])
def test_every_published_shape_of_a_record_is_an_exposure_that_is_judged_ok(shape: int, json: bool) -> None:  # noqa: FBT001
    ruleset = shop()
    judge = Judge({1: ruleset}.get)
    for number in range(20):
        unit = f"u{number}"
        body = SHAPES[shape].SerializeToString().replace(b"UNIT", unit.encode().rjust(4, b"0"))
        unit = unit.rjust(4, "0")
        record = type(SHAPES[shape]).FromString(body)
        of = [*record.attributes, *record.body.kvlist_value.values]
        next(one for one in of if "variant" in one.key).value.string_value = chosen(unit, ruleset)

        found = only(meant(logs(record), json=json))

        assert (found.unit, found.experiment, found.version, found.phase) == (
            Unit("user", unit),
            "one-page-checkout",
            1,
            1,
        )
        assert judge.outcome(found) == OK


@pytest.mark.parametrize(
    "attributes",
    [
        # openfeature-hooks-opentelemetry 0.1 and 0.2
        {
            "feature_flag.key": "checkout",
            "feature_flag.variant": "VARIANT",
            "feature_flag.provider_name": "x",
        },
        # and 0.3, which puts the value beside
        {
            "feature_flag.key": "checkout",
            "feature_flag.result.value": '"one"',
            "feature_flag.result.reason": "split",
            "feature_flag.result.variant": "VARIANT",
        },
    ],
)
def test_an_event_that_a_hook_put_on_a_span_takes_its_unit_from_the_span(attributes: dict[str, str]) -> None:
    variant = chosen("u7", shop())
    told = {name: variant if one == "VARIANT" else one for name, one in attributes.items()}
    happened = Span.Event(time_unix_nano=AT, name="feature_flag", attributes=pairs(told))
    other = Span.Event(time_unix_nano=AT, name="exception")
    request = spans(Span(events=[happened, other], attributes=pairs({"enduser.id": "u7"})))

    found = meant(request, meaning(Otlp(units={"user": "enduser.id"})))

    assert only(found).unit == Unit("user", "u7")
    assert Judge({1: shop()}.get).outcome(only(found)) == OK
    assert codes(found) == [Code.UNMAPPED]


def test_an_id_may_be_a_whole_number() -> None:
    assert only(meant(logs(evaluation(feature_flag__context__id=4711)))).unit.id == "4711"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"feature_flag__context__id": None}, Code.UNIT),
        ({"feature_flag__context__id": True}, Code.UNIT),
        ({"feature_flag__context__id": 1.5}, Code.UNIT),
        ({"feature_flag__key": None}, Code.SHAPE),
        ({"feature_flag__result__variant": None}, Code.SHAPE),
        ({"feature_flag__result__variant": 5}, Code.SHAPE),
        ({"feature_flag__key": "nix"}, Code.FLAG),
        ({"feature_flag__set__id": "shop/staging"}, Code.FLAG),
        ({"feature_flag__result__reason": "error"}, Code.EVALUATION),
        ({"error__type": "flag_not_found"}, Code.EVALUATION),
        ({"splitrun__attribute__tier": float("nan")}, Code.NUMBER),
        (bare(feature_flag__key="colour", feature_flag__result__reason=None), Code.NO_EXPERIMENT),
        (bare(feature_flag__result__reason="default"), Code.NO_EXPERIMENT),
        (bare(feature_flag__result__reason="targeting_match"), Code.NO_EXPERIMENT),
        (bare(feature_flag__context__id="tester", feature_flag__result__reason=None), Code.NO_EXPERIMENT),
        (bare(feature_flag__context__id="null"), Code.UNIT),
        (bare(feature_flag__version="9"), Code.RULESET),
    ],
)
def test_what_is_no_exposure_is_answered_for(more: dict[str, object], code: Code) -> None:
    found = meant(logs(evaluation(**more)))

    assert (events(found), codes(found)) == ([], [code])


def test_a_record_without_a_time_is_answered_for() -> None:
    record = evaluation()
    record.time_unix_nano = 0
    assert codes(meant(logs(record))) == [Code.TIME]

    record.observed_time_unix_nano = AT
    assert only(meant(logs(record))).time == instant(AT)


def test_where_nothing_was_published_nothing_can_be_told() -> None:
    assert codes(meant(logs(evaluation(feature_flag__version=None)), meaning(known=Shelf({})))) == [
        Code.RULESET
    ]


def test_an_evaluation_is_held_against_the_ruleset_that_it_names() -> None:
    later = shop(2, phase=2)
    shelf = Shelf({1: shop(), 2: later})

    found = only(meant(logs(evaluation(**bare())), meaning(known=shelf)))

    assert (found.ruleset, found.phase, shelf.asked) == (1, 1, [1])
    assert only(meant(logs(evaluation(**bare(feature_flag__version=None))), meaning(known=shelf))).phase == 2
    assert (
        only(meant(logs(evaluation(**bare(feature_flag__version="v2.0"))), meaning(known=shelf))).ruleset == 2
    )


def test_who_tells_the_experiment_is_believed_without_its_ruleset_and_judged_later() -> None:
    found = only(meant(logs(evaluation(feature_flag__version="9", splitrun__experiment="gone"))))

    assert (found.ruleset, found.experiment, found.unit.type) == (9, "gone", "user")
    assert Judge({1: shop()}.get).outcome(found) == "unknown ruleset"


def test_ids_of_other_unit_types_are_attributes() -> None:
    told = {
        "feature_flag__key": "billing",
        "feature_flag__result__variant": "on",
        "feature_flag__result__reason": "split",
    }
    asked = bare(**told)

    assert codes(meant(logs(evaluation(**asked)))) == [Code.UNIT]
    carried = only(meant(logs(evaluation(**asked, splitrun__attribute__account_id="a1"))))
    mapped = only(
        meant(logs(evaluation(**asked, app__account=77)), meaning(Otlp(units={"account": "app.account"})))
    )
    assert (carried.unit, carried.experiment) == (Unit("account", "a1"), "new-billing")
    assert mapped.unit == Unit("account", "77")


def test_where_the_flag_asks_what_the_record_does_not_carry_no_variant_is_favoured() -> None:
    ruleset = near(shop())
    means = meaning(known=Shelf({1: ruleset}))
    more = {"feature_flag__result__reason": None, "splitrun__attribute__country": None}
    seen: Counter[tuple[str, str]] = Counter()
    for number in range(60):
        variant = chosen(f"u{number}", ruleset, country="DE")
        told = {"feature_flag__context__id": f"u{number}", "feature_flag__result__variant": variant}
        found = meant(logs(evaluation(**bare(**{**more, **told}))), means)
        seen.update((variant, code) for code in codes(found))
        whole = {**told, **more, "splitrun__attribute__country": "DE"}
        assert only(meant(logs(evaluation(**bare(**whole))), means)).variant == variant

    assert {code for _, code in seen} == {Code.ATTRIBUTES}
    assert {variant for variant, _ in seen} == {"control", "one-page"}
    assert sum(seen.values()) == 60


def test_a_reason_tells_enough_where_the_flag_has_one_experiment() -> None:
    means = meaning(known=Shelf({1: near(shop())}))

    found = only(meant(logs(evaluation(**bare())), means))

    assert (found.experiment, found.reason, found.detail) == ("one-page-checkout", "SPLIT", "")


def test_a_share_of_a_rule_is_no_experiment() -> None:
    ruleset = near(shop())
    flag = ruleset.flags["checkout"]
    shared = replace(flag, rules=(*flag.rules, Serve("one-page", coverage=HALF, salt="rule:checkout")))
    means = meaning(known=Shelf({1: replace(ruleset, flags={**ruleset.flags, "checkout": shared})}))

    assert codes(meant(logs(evaluation(**bare())), means)) == [Code.ATTRIBUTES]
    outside = evaluation(**bare(splitrun__attribute__country="AT"))
    assert codes(meant(logs(outside), means)) == [Code.NO_EXPERIMENT]


def test_which_of_two_experiments_answered_has_to_be_told() -> None:
    ruleset = near(shop())
    second = Experiment(
        "checkout",
        "user",
        1,
        1,
        "variant:second:1",
        (Arm("control", "three-page", HALF), Arm("x", "one-page", 2**32)),
    )
    flag = replace(ruleset.flags["checkout"], rules=(Run("one-page-checkout"), Run("second")))
    both = replace(
        ruleset,
        flags={**ruleset.flags, "checkout": flag},
        experiments={**ruleset.experiments, "second": second},
    )
    means = meaning(known=Shelf({1: both}))

    assert codes(meant(logs(evaluation(**bare())), means)) == [Code.EXPERIMENT]
    told = only(meant(logs(evaluation(**bare(splitrun__attribute__country="AT"))), means))
    assert told.experiment == "second"


def test_attributes_may_be_called_otherwise() -> None:
    means = meaning(Otlp(attributes={"country": "geo.country.iso_code"}))

    found = meant(
        logs(evaluation(geo__country__iso_code="AT"), evaluation(splitrun__attribute__tier="gold")), means
    )

    assert [one.attributes for one in events(found) if isinstance(one, Exposure)] == [
        {"country": "AT"},
        {"tier": "gold"},
    ]


def test_no_answer_tells_an_id_of_a_unit() -> None:
    secret = "anna-4711@example.com"  # noqa: S105 - the id of a unit
    requests = [
        evaluation(feature_flag__context__id=secret, **more)
        for more in (
            bare(feature_flag__key="nix"),
            bare(feature_flag__version="9"),
            bare(feature_flag__result__reason="default"),
            {"feature_flag__set__id": "x"},
            {"error__type": "x"},
        )
    ]
    found = meant(logs(*requests, log("other", enduser__id=secret)))

    assert len(codes(found)) == 6
    assert not [one.says for one in found.unfit if secret in one.says]  # type: ignore[union-attr] # as `codes` saw
