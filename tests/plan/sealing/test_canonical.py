"""The text of a plan that is hashed and kept, read back."""

from __future__ import annotations

import json

import pytest

from splitrun.errors import StoreError
from splitrun.plan.seal import digest
from splitrun.plan.sealing.canonical import canonical, reopened
from tests.check.worlds import plan


def test_a_sealed_plan_reads_back_as_the_same_plan() -> None:
    sealed = plan(segments=("country",)).model_copy(update={"methods": {"means": "1"}})

    back = reopened(canonical(sealed))

    assert back == sealed
    assert digest(back) == digest(sealed)


@pytest.mark.requirement("R12")
def test_a_plan_of_the_form_before_methods_were_named_is_still_read_and_keeps_its_digest() -> None:
    body = canonical(plan())

    assert "methods" not in json.loads(body)
    assert digest(reopened(body)) == digest(plan())


def test_a_plan_of_a_newer_form_is_refused_with_what_to_do() -> None:
    body = canonical(plan()).replace("splitrun.plan/1", "splitrun.plan/2")

    with pytest.raises(StoreError, match=r"of form 'splitrun.plan/2', and this Splitrun reads .*upgrade"):
        reopened(body)


def test_a_field_that_a_newer_splitrun_wrote_is_refused_and_named() -> None:
    body = canonical(plan())[:-1] + ',"zodiac":"leo"}'

    with pytest.raises(StoreError, match=r"zodiac: extra inputs.*upgrade this one"):
        reopened(body)


def test_a_text_that_is_not_canonical_is_not_what_was_sealed() -> None:
    body = canonical(plan()).replace('"timezone":', '"timezone": ')

    with pytest.raises(StoreError, match="reads back as another text"):
        reopened(body)


@pytest.mark.parametrize("body", ["", "[]", "{}", "null", '{"form": 1}'])
def test_what_is_no_plan_is_refused(body: str) -> None:
    with pytest.raises(StoreError, match="no plan"):
        reopened(body)
