"""OFREP against a live server: what it answers, and the official client for Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import Reason

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.transmission import opened
from splitrun.conduct.serving.access import make_access_key
from tests.sdk.shop import eventually
from tests.serve.live import Served

FLAGS = "/ofrep/v1/evaluate/flags"


def asking(unit: object = "u1", **attributes: object) -> dict[str, object]:
    return {"context": {"targetingKey": unit, **attributes}}


@pytest.fixture
def local(served: Served) -> Evaluator:
    return Evaluator(opened(served.get("/v1/ruleset").data))


@pytest.mark.parametrize("number", range(8))
def test_a_flag_is_evaluated_as_it_is_in_memory(served: Served, local: Evaluator, number: int) -> None:
    here = local.evaluate("checkout", f"u{number}", {"country": "DE"})

    told = served.post(f"{FLAGS}/checkout", asking(f"u{number}", country="DE"))

    assert told.status == 200
    found = told.json()
    assert (found["key"], found["value"], found["variant"]) == ("checkout", here.value, here.variant)
    assert found["metadata"]["detail"] == here.detail.value
    assert found["metadata"]["flagSetId"] == "shop/production"


def test_an_experiments_answer_carries_what_an_exposure_has_to_say(served: Served, local: Evaluator) -> None:
    unit = next(
        f"u{n}" for n in range(99) if local.evaluate("checkout", f"u{n}", {"country": "DE"}).experiment
    )

    found = served.post(f"{FLAGS}/checkout", asking(unit, country="DE")).json()

    assert found["reason"] == "SPLIT"
    of = found["metadata"]
    assert (of["experiment"], of["experiment_version"], of["phase"], of["ruleset"]) == ("one-page", 1, 1, 1)


def test_a_reason_that_the_protocol_does_not_have_stands_in_the_metadata(served: Served) -> None:
    found = served.post(f"{FLAGS}/limit", asking(country="AT")).json()

    # the document's list of reasons lacks DEFAULT
    assert (found["value"], found["reason"], found["metadata"]["reason"]) == (10, "UNKNOWN", "DEFAULT")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PARSE_ERROR"),
        (b"\xff", "PARSE_ERROR"),
        (b'{"context": {"deep": ' + b"[" * 5_000, "PARSE_ERROR"),
        (b"{}", "INVALID_CONTEXT"),
        (b'{"context": 1}', "INVALID_CONTEXT"),
        (b'{"context": {}}', "TARGETING_KEY_MISSING"),
        (b'{"context": {"targetingKey": 1}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": "u1", "pad": "' + b"x" * 70_000 + b'"}}', "INVALID_CONTEXT"),
    ],
)
def test_what_cannot_be_evaluated_is_told_with_a_code(served: Served, body: bytes, code: str) -> None:
    one, all_of_them = served.post(f"{FLAGS}/checkout", body), served.post(FLAGS, body)

    assert (one.status, one.json()["key"], one.json()["errorCode"]) == (400, "checkout", code)
    assert (all_of_them.status, all_of_them.json()["errorCode"]) == (400, code)
    assert one.json()["errorDetails"]


def test_an_unknown_flag_and_a_unit_that_is_none_are_told(served: Served) -> None:
    unknown, empty = served.post(f"{FLAGS}/nix", asking()), served.post(f"{FLAGS}/checkout", asking("null"))

    assert (unknown.status, unknown.json()["errorCode"]) == (404, "FLAG_NOT_FOUND")
    assert (empty.status, empty.json()["key"], empty.json()["errorCode"]) == (
        400,
        "checkout",
        "INVALID_CONTEXT",
    )


def test_all_flags_come_at_once_and_only_once_to_who_has_them(served: Served) -> None:
    first = served.post(FLAGS, asking(country="DE"))
    etag = first.headers["ETag"]
    again = served.post(FLAGS, asking(country="DE"), **{"If-None-Match": f"W/{etag}"})
    other = served.post(FLAGS, asking(country="AT"), **{"If-None-Match": etag})

    values = {one["key"]: one["value"] for one in first.json()["flags"]}
    assert values.keys() == {"checkout", "search", "limit", "theme"}
    assert (values["limit"], values["theme"], values["search"]) == (20.5, {"dark": False}, False)
    assert (again.status, again.data, again.headers["ETag"]) == (304, b"", etag)
    assert (other.status, {one["key"]: one["value"] for one in other.json()["flags"]}["limit"]) == (200, 10)


def test_a_flag_that_fails_stands_beside_those_that_do_not(served: Served) -> None:
    found = {one["key"]: one for one in served.post(FLAGS, asking("null")).json()["flags"]}

    assert found["checkout"]["errorCode"] == "INVALID_CONTEXT"
    assert found["theme"].keys() >= {"key", "metadata"}


@pytest.mark.parametrize("said", ["1", "1, 1", "0;1"])
def test_who_refuses_by_its_browser_takes_part_in_no_experiment(
    served: Served, local: Evaluator, said: str
) -> None:
    unit = next(
        f"u{n}" for n in range(99) if local.evaluate("checkout", f"u{n}", {"country": "DE"}).experiment
    )

    found = served.post(f"{FLAGS}/checkout", asking(unit, country="DE"), **{"Sec-GPC": said}).json()

    assert "experiment" not in found["metadata"]
    assert (found["value"], found["metadata"]["detail"]) == ("three", "opted_out")


def test_a_browsers_key_evaluates_and_reads_no_rules(market: Path, served: Served) -> None:
    key = make_access_key("pages", ["evaluate"], market).secret
    own = {"Authorization": "", "X-API-Key": key}

    assert eventually(lambda: served.post(FLAGS, asking(), **own).status == 200)
    assert served.post(f"{FLAGS}/checkout", asking(), Authorization=f"Bearer {key}").status == 200
    assert served.get("/v1/ruleset", **own).status == 403
    assert served.post("/v1/events", {}, **own).status == 403
    assert served.post(FLAGS, asking(), Authorization="").status == 401


def test_the_official_client_for_python_evaluates_every_type(served: Served, local: Evaluator) -> None:
    provider = OFREPProvider(served.url, headers_factory=lambda: {"Authorization": f"Bearer {served.key}"})
    api.set_provider(provider, "ofrep")
    client = api.get_client("ofrep")
    try:
        for number in range(20):
            context = EvaluationContext(f"u{number}", {"country": "DE"})
            found = client.get_string_details("checkout", "none", context)
            here = local.evaluate("checkout", f"u{number}", {"country": "DE"})
            assert (found.value, found.variant, found.error_code) == (here.value, here.variant, None)
        near = EvaluationContext("u1", {"country": "DE"})
        assert client.get_boolean_value("search", True, near) is False  # noqa: FBT003 - OpenFeature's own order
        assert client.get_float_value("limit", 1.0, near) == 20.5
        assert client.get_integer_value("limit", 1, EvaluationContext("u1", {"country": "AT"})) == 10
        assert client.get_object_value("theme", {}, near) == {"dark": False}
        missing = client.get_string_details("nix", "own", near)
        assert (missing.value, missing.reason, missing.error_code) == ("own", Reason.ERROR, "FLAG_NOT_FOUND")
        keyless = client.get_string_details("checkout", "own", EvaluationContext())
        assert (keyless.value, keyless.error_code) == ("own", "TARGETING_KEY_MISSING")
    finally:
        api.clear_providers()
        provider.session.close()
