"""T7 on a fixed sample; `python -m calibrate.assignment` is the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibrate.assignment import FULL, SAMPLE, Dealing, avalanche, dealt, section
from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import WHOLE, Holdout, Layer, Run
from splitrun.assign.slots import edge, sha256
from tests.assign.rulesets import experiment, part, ruleset, switch

PAGE = Path(__file__).parents[2] / "docs" / "assignment.md"
UNITS = [f"user-{place}" for place in range(20_000)]


@pytest.fixture(scope="module")
def dealing() -> Dealing:
    return dealt(SAMPLE)


@pytest.mark.requirement("R14")
def test_slots_are_uniform_under_every_salt(dealing: Dealing) -> None:
    assert dealing.uniform.min() > 0.001 / SAMPLE.salts
    assert dealing.evenness > 0.01


@pytest.mark.requirement("R14")
def test_what_a_unit_gets_under_one_salt_says_nothing_about_another(dealing: Dealing) -> None:
    pairs = SAMPLE.salts * (SAMPLE.salts - 1) // 2

    assert len(dealing.z) == pairs
    assert dealing.independence > 0.01
    assert 0.85 < dealing.z.std() < 1.15
    assert np.abs(dealing.z).max() < 4.5


@pytest.mark.requirement("R14")
def test_one_bit_of_an_id_changes_half_of_the_slot(dealing: Dealing) -> None:
    assert 0.49 < dealing.changed < 0.51
    assert 0.48 < dealing.extremes[0] < dealing.extremes[1] < 0.52


@pytest.mark.requirement("R14")
def test_a_hash_that_follows_the_id_would_be_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sum:
        def __init__(self, data: bytes) -> None:
            self.data = data

        def digest(self) -> bytes:
            return (sum(self.data) << 16).to_bytes(4)

    monkeypatch.setattr("calibrate.assignment.sha256", Sum)

    assert avalanche(20)[0] < 0.2


@pytest.mark.requirement("R61")
def test_no_unit_leaves_when_coverage_grows() -> None:
    digests = [sha256(b"coverage:e:1:" + unit.encode()).digest() for unit in UNITS]
    shares = [edge(part(f"{share}/1000")) for share in (0, 1, 5, 10, 50, 100, 250, 500, 900, 1000)]

    for digest in digests:
        inside = [digest < share for share in shares]
        assert inside == sorted(inside)


@pytest.mark.requirement("R14")
def test_layers_exclude_and_holdouts_never_leak_over_all_slots() -> None:
    """Every unit of 20,000: at most one experiment of the layer, none of a unit held out."""
    nine = part("9/10")
    cuts = [part(f"{place}/5") for place in range(5)] + [WHOLE]
    keys = [f"e{place}" for place in range(5)]
    rules = ruleset(
        flags={key: switch(rules=(Run(key),)) for key in keys},
        experiments={
            key: experiment(key, key, layer="l", slots=((start, end),), holdouts=("h",), coverage=nine)
            for key, start, end in zip(keys, cuts, cuts[1:], strict=False)
        },
        layers={"l": Layer("user", "layer:l", {}, tuple(keys))},
        holdouts={"h": Holdout("user", "holdout:h", part("1/20"))},
    )
    evaluator = Evaluator(rules)
    end = edge(part("1/20"))
    held = enrolled = 0

    for unit in UNITS:
        taken = [key for key in keys if evaluator.evaluate(key, unit, {}).experiment]
        assert len(taken) <= 1
        enrolled += len(taken)
        if sha256(b"holdout:h:" + unit.encode()).digest() < end:
            held += 1
            assert not taken

    assert abs(held - 1_000) < 155  # five standard deviations of 5 % of 20,000
    assert abs(enrolled - 17_100) < 250


def test_the_page_holds_what_was_measured_at_full_scale() -> None:
    written = PAGE.read_text("utf-8")

    assert f"{FULL.ids:,} ids in 10,000 buckets under each of {FULL.salts} salts" in written
    assert (
        len(section(Dealing(SAMPLE, np.array([0.1, 0.9]), np.array([0.0, 1.0]), 0.5, (0.4, 0.6))).split("\n"))
        == 5
    )
