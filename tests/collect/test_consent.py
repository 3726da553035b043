"""Consent at the intake: unknown is not granted, a denial is always heeded, and no byte of either is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from splitrun.collect.codes import Refused
from splitrun.collect.intake import Taken, taken
from splitrun.collect.privacy.consent import Asked
from splitrun.collect.reasons import turned_away

TIME = "2026-11-23T08:00:00.000000Z"
REQUIRED = Asked(required=True)


def event(id_: str, /, **more: object) -> dict[str, object]:
    return {
        "id": id_,
        "type": "event",
        "time": TIME,
        "unit": {"type": "user", "id": f"u-{id_}"},
        "name": "buy",
        **more,
    }


def exposure(name: str, variant: str, **more: object) -> dict[str, object]:
    met = {"flag": "f", "experiment": "checkout", "version": 2, "phase": 1, "variant": variant, "ruleset": 1}
    return {**event(name), "type": "exposure", "reason": "SPLIT", **met, **more}


def withdrawal(name: str, variant: str, **more: object) -> dict[str, object]:
    return exposure(name, variant, **{"unit": {"type": "user", "id": "-"}, "consent": "denied", **more})


def sent(*events: object, **more: object) -> bytes:
    return json.dumps({"sent_at": TIME, "sdk": "test/1", "events": events, **more}).encode()


def take(body: bytes, asked: Asked) -> Taken:
    match taken(body, consent=asked):
        case Refused(says=says):
            pytest.fail(says)
        case found:
            return found


def kept(body: bytes, found: Taken) -> list[str]:
    """The ids of the events that go on, from the bytes that are kept."""
    whole: dict[str, Any] = json.loads(body if found.body is None else found.body)
    out = set(found.out) if found.body is None else set()
    return [one["id"] for place, one in enumerate(whole["events"]) if place not in out]


@pytest.mark.requirement("R73")
def test_where_consent_is_required_unknown_is_not_granted() -> None:
    body = sent(
        event("a"), event("b", consent="granted"), event("c", consent="pending"), event("d", consent=7)
    )

    found = take(body, REQUIRED)

    assert found.events == 4  # all are answered as accepted
    assert kept(body, found) == ["b"]
    assert found.withheld == {"no consent": 3}
    assert found.body is not None
    assert b"u-a" not in found.body
    assert [(reason, count) for reason, count, _ in turned_away(found)] == [("no consent", 3)]


@pytest.mark.requirement("R73")
def test_a_batch_of_which_all_have_granted_is_kept_as_it_came() -> None:
    body = sent(event("a"), exposure("x", "control"), consent="granted")

    found = take(body, REQUIRED)

    assert (found.events, found.out, found.body) == (2, (), None)


@pytest.mark.requirement("R73", "R79")
@pytest.mark.parametrize("asked", [Asked(), REQUIRED])
def test_a_denial_is_heeded_whatever_the_project_or_the_batch_says(asked: Asked) -> None:
    body = sent(event("a"), event("b", consent="denied"), consent="granted")

    found = take(body, asked)

    assert kept(body, found) == ["a"]
    assert found.withheld == {"consent denied": 1}


def test_a_denial_whose_name_is_written_with_escapes_is_read_like_any_other() -> None:
    body = sent(event("a", consent="denied")).replace(b'"consent"', b'"c\\u006fnsent"')

    found = take(body, Asked())

    assert (kept(body, found), found.withheld) == ([], {"consent denied": 1})


@pytest.mark.requirement("R73")
@pytest.mark.parametrize("blank", ["", " ", "\t", "\r\n", " \n  "], ids=repr)
@pytest.mark.parametrize("whole", [False, True])
def test_a_denial_is_heeded_however_names_and_colons_stand_apart(blank: str, whole: bool) -> None:  # noqa: FBT001
    said = {"consent": "denied"}
    body = sent(event("a"), event("b", **({} if whole else said)), **(said if whole else {}))
    spaced = body.replace(b'": ', b'":').replace(b'"sent_at":', f'"sent_at"{blank}:'.encode())

    found = take(spaced, Asked())

    assert kept(spaced, found) == ([] if whole else ["a"])
    assert found.withheld == {"consent denied": 2 if whole else 1}


def test_what_no_project_asked_for_and_nobody_said_changes_nothing() -> None:
    body = sent(event("a"), exposure("x", "control"))

    assert take(body, Asked()) == Taken(2)


@pytest.mark.requirement("R79")
def test_of_a_browser_that_objects_nothing_is_kept() -> None:
    body = sent(event("a"), event("b", consent="granted"), consent="granted")

    found = take(body, Asked(gpc=True))

    assert (found.events, kept(body, found), found.withheld) == (2, [], {"Sec-GPC": 2})


@pytest.mark.requirement("R79")
def test_withdrawals_after_exposure_are_counted_by_variant_without_an_id() -> None:
    events = [withdrawal(f"x{n}", ("control", "one-page")[n % 3 > 0]) for n in range(9)]
    body = sent(*events, withdrawal("t", "control", trigger=True), exposure("y", "control"))

    found = take(body, Asked())

    assert kept(body, found) == ["y"]
    assert found.withheld == {
        'withdrew: {"experiment":"checkout","variant":"control","version":2}': 3,
        'withdrew: {"experiment":"checkout","variant":"one-page","version":2}': 6,
        "consent denied": 1,
    }


@pytest.mark.requirement("R79")
def test_a_denial_of_a_unit_that_is_named_is_no_withdrawal() -> None:
    odd = [withdrawal("o", "control", unit=unit) for unit in (None, "-", {"type": "user"}, {"id": 5})]
    body = sent(*(exposure(f"x{n}", "control", consent="denied") for n in range(40)), *odd)

    found = take(body, Asked())

    assert kept(body, found) == []
    assert found.withheld == {"consent denied": 40}
    assert len(found.rejected) == len(odd)


def test_a_batch_is_counted_by_so_many_variants_and_no_more() -> None:
    events = [withdrawal(f"x{n}", f"v{n}") for n in range(130)]

    found = take(sent(*events), Asked())

    assert len(found.withheld) == 101
    assert found.withheld["consent denied"] == 30


def test_what_is_rejected_is_told_as_rejected_and_not_as_withheld() -> None:
    body = sent(event("a", name=""), event("b", consent="granted"))

    found = take(body, REQUIRED)

    assert ([one.index for one in found.rejected], found.withheld) == ([0], {})
    assert found.events == 1


def test_the_page_tells_what_is_kept() -> None:
    page = (Path(__file__).parents[2] / "docs" / "pseudonyms.md").read_text()

    for word in ("no consent", "consent denied", "Sec-GPC", "withdrew: "):
        assert f"`{word.strip()}" in page
