"""A method that answers otherwise has another version: sealed plans are judged as they were sealed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from splitrun.plan.sealing.methods import METHODS
from tests.conduct.reading.answers import ANSWERS, WORLDS, answer, changed

KEPT = json.loads(ANSWERS.read_text())
WHAT_TO_DO = (
    "count on the version of the method that changed in src/splitrun/plan/sealing/methods.py, then run "
    "`python -m tests.conduct.reading.answers`"
)


@pytest.mark.requirement("R11", "R12")
@pytest.mark.parametrize("name", WORLDS)
def test_a_method_answers_as_its_version_did(name: str, tmp_path: Path) -> None:
    found = answer(name, tmp_path / "shop")

    assert found["methods"] == KEPT[name]["methods"], WHAT_TO_DO
    assert changed(KEPT[name], found) == [], WHAT_TO_DO


def test_every_method_is_asked_by_some_world() -> None:
    assert {method for one in KEPT.values() for method in one["methods"]} == METHODS.keys()
