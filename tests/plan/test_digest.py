"""The digest of a plan."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from splitrun.errors import SpecError
from splitrun.plan.seal import digest
from splitrun.spec.plan import PlannedVariant
from tests.check.worlds import plan


def test_the_digest_is_that_of_sorted_json_without_spaces() -> None:
    # RFC 8785 for a document of ASCII keys and short numbers
    written = plan().model_dump_json()
    canonical = json.dumps(json.loads(written), sort_keys=True, separators=(",", ":"))

    assert digest(plan()) == "sha256:" + sha256(canonical.replace("0.0,", "0,").encode()).hexdigest()


def test_another_plan_has_another_digest() -> None:
    assert digest(plan()) != digest(plan(weights={"control": 2, "voucher": 1}))


def test_a_number_that_json_cannot_carry_is_refused_with_a_remedy() -> None:
    huge = plan().model_copy(update={"variants": (PlannedVariant(key="control", weight=2**60),)})

    with pytest.raises(SpecError, match=r"'incentive' has no canonical JSON.*keep whole numbers within"):
        digest(huge)
