"""Bad specs: every mistake is told with its place, what is wrong, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.spec.texts import GOOD, mistakes


@dataclass(frozen=True, slots=True)
class Case:
    """One way to spoil the good experiment."""

    name: str
    old: str
    new: str
    says: tuple[str, ...]


def cases() -> list[object]:
    found: list[object] = []
    for file in sorted((Path(__file__).parent / "bad").glob("*.yaml")):
        for entry in YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")):
            case = Case(entry["case"], entry["old"], entry["new"], tuple(entry["says"]))
            proves = [pytest.mark.requirement(entry["requirement"])] if "requirement" in entry else []
            found.append(pytest.param(case, id=case.name, marks=proves))
    return found


def test_the_experiment_to_be_spoiled_is_good() -> None:
    assert mistakes(GOOD) == []


def test_there_are_at_least_sixty_cases() -> None:
    assert len(cases()) >= 60


@pytest.mark.parametrize("case", cases())
def test_a_bad_spec_is_refused_with_place_reason_and_remedy(case: Case) -> None:
    spoiled = GOOD.replace(case.old, case.new, 1)

    assert spoiled != GOOD
    assert mistakes(spoiled) == list(case.says)
