from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NoReturn

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitrun.assign.evaluation import Detail, ErrorCode, Evaluation, Reason
from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import WHOLE, Arm, Layer, Override, Requirement, Run
from splitrun.assign.slots import slot
from splitrun.assign.sticky import Kept
from splitrun.terms.parse import parse
from tests.assign.rulesets import EXPERIMENTS, HALF, LAYERS, experiment, hashes, part, ruleset, serve, switch

UNITS = [f"user-{place}" for place in range(400)]


def of(flag: str, evaluator: Evaluator, unit: str, **attributes: object) -> tuple[str | None, str]:
    found = evaluator.evaluate(flag, unit, attributes)
    return found.variant, str(found.detail)


class Raises(Mapping[str, object]):
    """A mapping that cannot be read."""

    def __getitem__(self, name: str) -> NoReturn:
        raise OSError(name, "x" * 10_000)

    def __iter__(self) -> Iterator[str]:
        raise OSError

    def __len__(self) -> int:
        raise OSError


class Broken:
    """A store that is gone."""

    def variant(self, *_: object) -> NoReturn:
        raise ConnectionError

    def keep(self, *_: object) -> NoReturn:
        raise ConnectionError


def refuses(_: object) -> NoReturn:
    raise RuntimeError


class Liar:
    """Says nothing about itself without raising."""

    __class__ = property(refuses)

    def __hash__(self) -> NoReturn:
        raise RuntimeError

    def __eq__(self, other: object) -> NoReturn:
        raise RuntimeError


class Unsayable(Exception):  # noqa: N818  # a caller's
    def __str__(self) -> NoReturn:
        raise RuntimeError


class RaisesUnsayable(dict[str, object]):
    def get(self, *_: object) -> NoReturn:
        raise Unsayable


EVALUATOR = Evaluator(EXPERIMENTS)
ODD = [
    None, 0, 1.5, b"user-1", "", "\0", "\ud800", "null", "x" * 1_000_000, [], {},
    ["user-1"], object(), Liar(), Raises(), RaisesUnsayable(), True, "user-1", "targeted",
    "no such flag", "halves",
]  # fmt: skip


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("place", range(len(ODD)))
def test_evaluating_never_raises_and_is_quick(place: int) -> None:
    flag = ODD[place]
    begun = time.perf_counter()

    for unit in ODD:
        for attributes in ODD:
            for opted_out in (False, True):
                found = EVALUATOR.evaluate(flag, unit, attributes, opted_out=opted_out)  # type: ignore[arg-type]  # on purpose
                assert isinstance(found, Evaluation)
                assert (found.reason is Reason.ERROR) == (found.error is not None) == bool(found.says)
                assert len(found.says) < 400
                assert isinstance(EVALUATOR.parameters(flag, unit, attributes).evaluation, Evaluation)  # type: ignore[arg-type]  # on purpose
            EVALUATOR.explain(flag, unit, attributes)  # type: ignore[arg-type]  # on purpose

    assert time.perf_counter() - begun < 10


@given(
    unit=st.text(max_size=30),
    attributes=st.dictionaries(
        st.sampled_from(["country", "age", "plan", "device_id"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text()
        | st.binary()
        | st.lists(st.none()),
    ),
)
@settings(deadline=None)
def test_whatever_the_attributes_the_same_question_has_the_same_answer(
    unit: str, attributes: dict[str, object]
) -> None:
    for flag in EXPERIMENTS.flags:
        found = EVALUATOR.evaluate(flag, unit, attributes)

        assert found == EVALUATOR.evaluate(flag, unit, dict(attributes))
        assert found.value in (False, True, *EXPERIMENTS.flags["thirds"].variants.values())
        assert EVALUATOR.explain(flag, unit, attributes).evaluation == found


@pytest.mark.parametrize(
    ("unit", "attributes", "error"),
    [
        ("", {}, ErrorCode.TARGETING_KEY_MISSING),
        (None, {}, ErrorCode.TARGETING_KEY_MISSING),
        ("null", {}, ErrorCode.INVALID_CONTEXT),
        ("a\0", {}, ErrorCode.INVALID_CONTEXT),
        (7, {}, ErrorCode.INVALID_CONTEXT),
        ("user-1", None, ErrorCode.INVALID_CONTEXT),
        ("user-1", ["country"], ErrorCode.INVALID_CONTEXT),
        ("user-1", Raises(), ErrorCode.GENERAL),
        ("user-1", RaisesUnsayable(), ErrorCode.GENERAL),
    ],
)
def test_bad_input_gets_the_default_with_the_reason(
    unit: str, attributes: dict[str, object], error: ErrorCode
) -> None:
    found = EVALUATOR.evaluate("targeted", unit, attributes)

    assert (found.value, found.variant, found.serve) == (False, "off", "off")
    assert (found.reason, found.detail, found.error) == (Reason.ERROR, Detail.ERROR, error)
    assert found.experiment is None


def test_an_object_that_lies_about_itself_is_bad_input() -> None:
    found = EVALUATOR.evaluate("targeted", "user-1", Liar())  # type: ignore[arg-type]  # on purpose

    assert (found.value, found.error) == (False, ErrorCode.INVALID_CONTEXT)


def test_an_unknown_flag_has_no_value_and_names_itself() -> None:
    found = EVALUATOR.evaluate("nope", "user-1", {})

    assert (found.value, found.variant, found.error) == (None, None, ErrorCode.FLAG_NOT_FOUND)
    assert found.says == "the ruleset has no flag 'nope'; publish it, or mend the name in the code"


def test_a_flag_that_is_off_says_so_whatever_the_unit() -> None:
    evaluator = Evaluator(ruleset(flags={"off": switch(on=False)}))

    assert evaluator.evaluate("off", "", {}).reason is Reason.DISABLED
    assert evaluator.evaluate("off", "null", Raises()).reason is Reason.DISABLED


def test_an_answer_is_made_once_and_shared() -> None:
    found = [EVALUATOR.evaluate("halves", unit, {}) for unit in UNITS]

    assert len({id(one) for one in found}) == 2


@pytest.mark.requirement("R61")
def test_growing_coverage_moves_no_unit_to_another_variant() -> None:
    shares = [0, 1, part("1/100"), part("1/10"), HALF, part("99/100"), WHOLE]
    grown = [
        Evaluator(
            ruleset(
                flags={"f": switch(rules=(Run("e"),))},
                experiments={"e": experiment("e", "f", coverage=share)},
            )
        )
        for share in shares
    ]

    for unit in UNITS:
        found = [evaluator.evaluate("f", unit, {}) for evaluator in grown]
        variants = [one.variant for one in found if one.experiment]
        enrolled = [one.experiment is not None for one in found]

        assert len(set(variants)) == 1
        assert enrolled == sorted(enrolled)  # once in, always in
        assert (enrolled[0], enrolled[-1]) == (False, True)


@pytest.mark.parametrize("count", range(6))
def test_any_number_of_conditions_lets_in_whom_they_describe(count: int) -> None:
    texts = [f"c{place} {'>= 1' if place % 2 else '<> 0'}" for place in range(count)]
    audience = parse(" and ".join(texts)) if texts else None
    evaluator = Evaluator(
        ruleset(
            flags={"f": switch(rules=(Run("e"),))}, experiments={"e": experiment("e", "f", audience=audience)}
        )
    )
    inside: dict[str, object] = {f"c{place}": 1 for place in range(count)}

    found = evaluator.evaluate("f", "user-1", inside)

    assert (found.detail, found.value) == (Detail.VARIANT, slot("variant:e:1", "user-1") >= HALF)
    assert evaluator.evaluate("f", "user-2", inside).value is (slot("variant:e:1", "user-2") >= HALF)
    for place in range(count):
        outside = {name: value for name, value in inside.items() if name != f"c{place}"}
        assert evaluator.evaluate("f", "user-1", outside).detail is Detail.AUDIENCE


@pytest.mark.requirement("R62")
def test_a_new_version_deals_the_units_anew() -> None:
    first, second = (
        Evaluator(
            ruleset(
                flags={"f": switch(rules=(Run("e"),))},
                experiments={"e": experiment("e", "f", version=version, salt=f"variant:e:{version}")},
            )
        )
        for version in (1, 2)
    )

    moved = sum(of("f", first, unit) != of("f", second, unit) for unit in UNITS)

    assert 150 < moved < 250  # half of 400, five standard deviations


def test_a_paused_experiment_keeps_its_variants_and_says_so() -> None:
    paused = Evaluator(
        ruleset(
            flags={"f": switch(rules=(Run("e"),))},
            experiments={"e": experiment("e", "f", enrolling=False, phase=2)},
        )
    )
    running = Evaluator(
        ruleset(flags={"f": switch(rules=(Run("e"),))}, experiments={"e": experiment("e", "f")})
    )

    for unit in UNITS[:50]:
        found = paused.evaluate("f", unit, {})
        assert (found.enrolling, found.phase) == (False, 2)
        assert found.variant == running.evaluate("f", unit, {}).variant


@pytest.mark.requirement("R79")
def test_an_opt_out_gets_the_default_everywhere_but_on_a_list() -> None:
    rules = ruleset(
        flags={"f": switch(rules=(serve("on"),), overrides=(Override("on", "staff"),))},
        lists={"staff": hashes("list:staff", "ada")},
    )
    evaluator = Evaluator(rules)

    assert evaluator.evaluate("f", "user-1", {}, opted_out=True).detail is Detail.OPTED_OUT
    assert evaluator.evaluate("f", "user-1", {}, opted_out=True).value is False
    assert evaluator.evaluate("f", "ada", {}, opted_out=True).detail is Detail.OVERRIDE
    assert not any(evaluator.evaluate("f", unit, {}, opted_out=True).value for unit in UNITS)


@pytest.mark.requirement("R18")
def test_a_layer_s_parameters_and_the_flag_of_its_experiment_agree() -> None:
    evaluator = Evaluator(LAYERS)
    context: dict[str, object] = {"country": "DE", "device_id": "device-9"}
    setters = set()

    for unit in UNITS:
        found = evaluator.parameters("shop", unit, context)
        checkout = evaluator.evaluate("checkout", unit, context)

        setters.add(found.evaluation.experiment)
        assert (found.evaluation.experiment == "one-page") == (checkout.experiment == "one-page")
        assert (found.values["columns"] == 1) == (checkout.value is True)
        assert (found.values["title"] == "Store") == (
            found.evaluation.variant == "t" and found.evaluation.flag == "shop"
        )

    assert setters == {None, "one-page", "big-basket", "title"}


def test_parameters_of_an_unknown_layer_are_empty_and_of_a_bad_id_the_defaults() -> None:
    evaluator = Evaluator(LAYERS)

    unknown, bad = evaluator.parameters("nope", "user-1", {}), evaluator.parameters("shop", "", {})

    assert (unknown.values, unknown.evaluation.error) == ({}, ErrorCode.FLAG_NOT_FOUND)
    assert (bad.values, bad.evaluation.error) == (
        LAYERS.layers["shop"].parameters,
        ErrorCode.TARGETING_KEY_MISSING,
    )


def test_experiments_of_a_layer_exclude_each_other_and_holdouts_hold() -> None:
    evaluator = Evaluator(LAYERS)
    context: dict[str, object] = {"country": "DE", "device_id": "device-9"}
    seen = set()

    for unit in UNITS:
        found = [evaluator.evaluate(flag, unit, context).experiment for flag in ("checkout", "basket")]
        found.append(evaluator.parameters("shop", unit, context).evaluation.experiment)
        taken = {one for one in found if one}
        seen |= taken

        assert len(taken) <= 1
        if slot("holdout:q4", unit) < LAYERS.holdouts["q4"].below:
            assert taken <= {"title"}  # the one that is not of the holdout

    assert seen == {"one-page", "big-basket", "title"}


def test_a_prerequisite_of_another_unit_type_is_asked_about_that_unit() -> None:
    rules = ruleset(
        flags={
            "device": switch(unit="device", rules=(serve("on", None, HALF, "rollout:device"),)),
            "user": switch(requires=(Requirement("device", ("on",)),), rules=(serve("on"),)),
        }
    )
    evaluator = Evaluator(rules)

    for place in range(100):
        device = f"device-{place}"
        found = evaluator.evaluate("user", "user-1", {"device_id": device}).value
        assert found is (slot("rollout:device", device) < HALF)
        assert found is evaluator.evaluate("device", device, {}).value
    missing = evaluator.evaluate("user", "user-1", {})
    assert missing.error is ErrorCode.TARGETING_KEY_MISSING
    assert "'device_id'" in missing.says


@pytest.mark.parametrize(
    ("found", "same"),
    [(42, "42"), ("042", "042"), (True, None), (4.0, None), ("", None), ("null", None), (2**128, None)],
)
def test_the_id_of_another_unit_type_is_a_text_or_a_whole_number(found: object, same: str | None) -> None:
    answer = EVALUATOR.evaluate("per-device", "user-1", {"device_id": found})

    if same is None:
        missing = ErrorCode.TARGETING_KEY_MISSING
        assert answer.error is (missing if found == "" else ErrorCode.INVALID_CONTEXT)
    else:
        assert answer == EVALUATOR.evaluate("per-device", "user-1", {"device_id": same})
        assert answer.error is None


def targeted(country: str, **more: object) -> Evaluator:
    audience = parse(f"country = '{country}'")
    return Evaluator(
        ruleset(
            flags={"f": switch(rules=(Run("e"),))},
            experiments={"e": experiment("e", "f", audience=audience, **more)},
            layers={"l": Layer("user", "layer:l", {}, ("e",))} if "layer" in more else {},
        )
    )


def test_a_kept_variant_outlives_a_change_of_id_and_audience() -> None:
    store: dict[str, str] = {}
    evaluator, person = targeted("DE"), Kept(store, identity="person-7")

    first = evaluator.evaluate("f", "cookie-1", {"country": "DE"}, sticky=person)
    since = [evaluator.evaluate("f", unit, {"country": "US"}, sticky=person) for unit in UNITS[:20]]

    assert store == {"e:1:person-7": first.variant}
    assert {(one.variant, one.detail) for one in since} == {(first.variant, Detail.STICKY)}
    assert evaluator.evaluate("f", "cookie-1", {"country": "US"}).detail is Detail.AUDIENCE


def test_nothing_is_kept_of_a_unit_that_is_not_enrolled_nor_by_an_explanation() -> None:
    store: dict[str, str] = {}
    evaluator = targeted("DE")

    evaluator.evaluate("f", "user-1", {"country": "US"}, sticky=Kept(store))
    found = evaluator.explain("f", "user-1", {"country": "DE"}, sticky=Kept(store))

    assert found.evaluation.detail is Detail.VARIANT
    assert store == {}


def test_a_kept_variant_is_explained() -> None:
    found = targeted("DE").explain("f", "user-1", {}, sticky=Kept({"e:1:user-1": "treatment"}))

    assert (found.evaluation.detail, found.detail, found.serve) == (Detail.STICKY, Detail.STICKY, "on")


@pytest.mark.parametrize(
    ("kept", "more"),
    [
        ({"e:1:user-1": "no such variant"}, {}),
        ({"e:2:user-1": "treatment"}, {}),  # of another version
        ({"e:1:user-1": "treatment"}, {"coverage": 0}),  # stopped
        ({"e:1:user-1": "treatment"}, {"layer": "l", "slots": ()}),
    ],
)
def test_a_kept_variant_overrules_no_stop_and_no_layer(kept: dict[str, str], more: dict[str, object]) -> None:
    evaluator = targeted("DE", **more)

    found = evaluator.evaluate("f", "user-1", {"country": "DE"}, sticky=Kept(kept))

    assert found == evaluator.evaluate("f", "user-1", {"country": "DE"})


def test_a_store_that_is_gone_gives_the_default_with_the_reason() -> None:
    found = targeted("DE").evaluate("f", "user-1", {"country": "DE"}, sticky=Broken())

    assert (found.value, found.error) == (False, ErrorCode.GENERAL)
    assert "ConnectionError" in found.says


def test_parameters_ask_the_store_as_flags_do() -> None:
    arms = (Arm("control", "", HALF), Arm("treatment", "", WHOLE, {"x": 2}))
    evaluator = Evaluator(
        ruleset(
            experiments={"e": experiment("e", None, arms=arms, layer="l", slots=((0, WHOLE),))},
            layers={"l": Layer("user", "layer:l", {"x": 1}, ("e",))},
        )
    )

    found = evaluator.parameters("l", "user-1", {}, sticky=Kept({"e:1:user-1": "treatment"}))
    out = evaluator.parameters("l", "user-1", {}, opted_out=True)

    assert (found.values, found.evaluation.detail) == ({"x": 2}, Detail.STICKY)
    assert (out.values, out.evaluation.detail) == ({"x": 1}, Detail.OPTED_OUT)


def test_moments_are_read_in_the_zone_of_the_ruleset() -> None:
    rules = ruleset(
        timezone="Europe/Berlin",
        flags={"f": switch(rules=(serve("on", "date(at) = date('2026-02-01')"),))},
    )

    found = Evaluator(rules).evaluate("f", "user-1", {"at": datetime(2026, 1, 31, 23, 30, tzinfo=UTC)})

    assert found.value is True


def test_evaluating_loads_only_the_standard_library_and_msgspec() -> None:
    program = """
import sys
before = set(sys.modules)
import splitrun.assign.evaluator, splitrun.assign.transmission
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*(loaded - set(sys.stdlib_module_names)))
"""
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    # msgspec takes typing_extensions along where it is installed
    assert set(said.split()) - {"typing_extensions"} == {"splitrun", "msgspec"}


def test_an_evaluation_can_be_written_as_json() -> None:
    assert b'"reason":"SPLIT"' in msgspec.json.encode(EVALUATOR.evaluate("halves", "user-1", {}))
