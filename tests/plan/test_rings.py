"""What files say, asked of the evaluator: rings, ramps, restarts, layers with parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

from splitrun.assign.evaluation import Detail
from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import WHOLE
from splitrun.assign.transmission import opened, sealed
from tests.plan.shop import compiled_shop, spoiled

UNITS = tuple(f"unit-{number}" for number in range(10_000))

RINGS = """\
flags:
  search:
    type: string
    variants: {old: old, new: new}
    default: old
    rules:
      - {serve: new, to: {list: internal}}
      - {serve: new, when: beta}
      - {serve: new, coverage: SHARE}
lists:
  internal: [unit-1, unit-2, unit-3]
"""


def ring(share: str) -> Evaluator:
    return Evaluator(compiled_shop({"flags/f.yaml": RINGS.replace("SHARE", share)}))


def served(evaluator: Evaluator, flag: str = "search") -> Iterator[object]:
    for number, unit in enumerate(UNITS):
        # every twentieth unit has opted into the beta
        yield evaluator.evaluate(flag, unit, {"beta": number % 20 == 0}).value


@pytest.mark.requirement("R61")
def test_no_unit_flips_while_rings_grow_from_internal_to_all() -> None:
    steps = [list(served(ring(share))) for share in ("0%", "1%", "10%", "50%", "100%")]

    for before, after in pairwise(steps):
        assert not [1 for one, next_ in zip(before, after, strict=True) if (one, next_) == ("new", "old")]
    shares = [step.count("new") / len(UNITS) for step in steps]
    # internal units and one in twenty first; then the share of the rest, 5 standard deviations wide at most
    assert shares[0] == (500 + 3) / len(UNITS)
    assert shares[1:] == pytest.approx([0.0598, 0.1453, 0.5252, 1.0], abs=0.025)


@pytest.mark.requirement("R61")
def test_a_units_ring_says_why_it_is_served() -> None:
    asked = ring("10%")

    details = {
        "unit-2": asked.evaluate("search", "unit-2", {}).detail,
        "beta": asked.evaluate("search", "unit-77", {"beta": True}).detail,
    }

    assert details == {"unit-2": Detail.OVERRIDE, "beta": Detail.RULE}


def experiment(**written: str) -> Evaluator:
    text = "".join(f"{key}: {value}\n" for key, value in written.items())
    texts = spoiled("experiments/checkout.yaml", "coverage: 50%\n", text)
    texts["experiments/checkout.yaml"] = texts["experiments/checkout.yaml"].replace(
        "dach and semver(app_version) >= semver('5.2.0')", "dach"
    )
    texts["flags/shop.yaml"] = texts["flags/shop.yaml"].replace("default: off,", "default: on,")
    return Evaluator(opened(sealed(compiled_shop(texts))))


def variants(evaluator: Evaluator) -> dict[str, str]:
    answers = {unit: evaluator.evaluate("checkout-flow", unit, {"country": "DE"}) for unit in UNITS}
    return {unit: found.variant or "" for unit, found in answers.items() if found.experiment is not None}


@pytest.mark.requirement("R61")
def test_an_experiment_that_ramps_adds_units_and_moves_none() -> None:
    steps = [variants(experiment(coverage=share)) for share in ("1%", "10%", "50%", "100%")]

    for before, after in pairwise(steps):
        assert len(before) < len(after)
        assert before.items() <= after.items()


@pytest.mark.requirement("R62")
def test_a_restart_deals_every_unit_afresh() -> None:
    first, second = variants(experiment(coverage="100%")), variants(experiment(coverage="100%", version="2"))

    # the layer and the holdout stay, so the same units take part
    assert first.keys() == second.keys()
    crossed = Counter((first[unit], second[unit]) for unit in first)
    total = sum(crossed.values())
    # independent deals of 2/3 and 1/3: 4/9, 2/9, 2/9, 1/9, within 5 standard deviations
    shares = {pair: count / total for pair, count in crossed.items()}
    assert shares["control", "control"] == pytest.approx(4 / 9, abs=0.042)
    assert shares["control", "one-page"] == pytest.approx(2 / 9, abs=0.035)
    assert shares["one-page", "control"] == pytest.approx(2 / 9, abs=0.035)
    assert shares["one-page", "one-page"] == pytest.approx(1 / 9, abs=0.027)


@pytest.mark.requirement("R18")
def test_code_reads_parameters_of_a_layer_whichever_experiment_sets_them() -> None:
    evaluator = experiment(coverage="100%")

    seen = Counter(
        (found.values["columns"], found.values["ranking"])
        for unit in UNITS
        for found in [evaluator.parameters("checkout", unit, {"country": "DE"})]
    )

    # one-page-checkout sets columns in 40% of the layer, search sets ranking in 50%; nobody gets both
    assert set(seen) == {(3, "clicks"), (1, "clicks"), (3, "sales")}
    assert seen[3, "sales"] / len(UNITS) == pytest.approx(0.25, abs=0.022)
    assert seen[1, "clicks"] / len(UNITS) == pytest.approx(0.4 * 0.95 / 3, abs=0.017)


@pytest.mark.requirement("R18")
def test_new_values_of_parameters_need_no_new_code() -> None:
    texts = spoiled("experiments/search.yaml", "ranking: sales", "ranking: newest")

    evaluator = Evaluator(compiled_shop(texts))

    assert {evaluator.parameters("checkout", unit, {}).values["ranking"] for unit in UNITS[:200]} == {
        "clicks",
        "newest",
    }


def test_everything_that_compiles_is_taken_by_clients() -> None:
    ruleset = compiled_shop()

    read = opened(sealed(ruleset))

    assert sealed(read) == sealed(ruleset)
    assert Evaluator(read).evaluate("checkout-flow", "u1", {}).detail is Detail.OVERRIDE
    assert read.layers["checkout"].experiments == ("one-page-checkout", "search")
    assert read.experiments["search"].slots[-1] == (2576980377, WHOLE)
