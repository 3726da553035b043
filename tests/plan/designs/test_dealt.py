from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from splitrun.assign.evaluator import Evaluator
from splitrun.assign.ruleset import WHOLE, Arm, Experiment, Flag, Ruleset, Run, Type
from splitrun.assign.slots import slot, threshold
from splitrun.errors import DataError
from splitrun.plan.designs.dealt import crossed, dealt, hashed, slots
from splitrun.plan.designs.dice import Dice
from splitrun.plan.designs.roster import labels
from splitrun.plan.designs.rounding import counts
from tests.plan.designs.people import crowd, dealing, people


@pytest.mark.requirement("R14")
def test_every_set_of_treated_units_is_as_likely_as_any_other() -> None:
    everybody, sets = crossed({}, 6), [tuple[int, ...](one) for one in combinations(range(6), 3)]
    seen = dict.fromkeys(sets, 0)
    for seed in range(10_000):
        seen[tuple(np.flatnonzero(dealt(everybody, [1, 1], Dice(seed))).tolist())] += 1

    # six over three is twenty sets; a chi-square on nineteen degrees of freedom
    assert len(sets) == 20
    assert stats.chisquare(list(seen.values())).pvalue > 0.001
    treated = [sum(seen[one] for one in sets if unit in one) for unit in range(6)]
    low, high = stats.binom.interval(1 - 1e-4, 10_000, 1 / 2)
    assert all(low <= count <= high for count in treated)


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=12),
    st.lists(st.integers(1, 9), min_size=2, max_size=5),
    st.integers(0, 10_000),
)
def test_counts_are_whole_in_every_stratum_and_over_all_to_within_one(
    sizes: list[int], weights: list[int], seed: int
) -> None:
    found = counts(sizes, weights, Dice(seed))

    assert found.sum(axis=1).tolist() == sizes
    for index, size in enumerate(sizes):
        due = [Fraction(size * weight, sum(weights)) for weight in weights]
        assert all(abs(int(found[index, arm]) - due[arm]) < 1 for arm in range(len(weights)))
    over = [Fraction(sum(sizes) * weight, sum(weights)) for weight in weights]
    assert all(abs(int(found[:, arm].sum()) - over[arm]) < 1 for arm in range(len(weights)))


def test_counts_are_on_average_what_the_weights_give() -> None:
    sizes, weights, seeds = [2, 3, 5, 1], [3, 2, 1], 6_000

    total = sum(counts(sizes, weights, Dice(seed)) for seed in range(seeds))

    for index, size in enumerate(sizes):
        for arm, weight in enumerate(weights):
            share = size * weight / 6 % 1
            # a count is what is whole, or one more with the odds of the fraction
            allowed = 4 * (share * (1 - share) / seeds) ** 0.5
            assert abs(np.asarray(total)[index, arm] / seeds - size * weight / 6) <= allowed + 1e-12


def test_thousands_of_strata_are_rounded_together() -> None:
    found = counts([1] * 3_000, [1, 1, 1], Dice(1))

    assert found.sum(axis=0).tolist() == [1_000, 1_000, 1_000]
    assert set(found.sum(axis=1).tolist()) == {1}


def test_a_unit_of_a_small_stratum_has_its_weight_as_its_chance() -> None:
    strata = crossed({"country": labels(["DE"] * 2 + ["FR"] * 3)}, 5)

    seen = sum((dealt(strata, [2, 1], Dice(seed)) for seed in range(6_000)), np.zeros(5, dtype=np.int64))

    low, high = stats.binom.interval(1 - 1e-4, 6_000, 1 / 3)
    assert all(low <= count <= high for count in seen)


def test_many_slots_are_those_of_one_by_one() -> None:
    ids = ["a", "ümlaut", "😀", "0042", "x" * 4_000]

    assert slots("variant:x:1", [one.encode() for one in ids]).tolist() == [
        slot("variant:x:1", one) for one in ids
    ]


@pytest.mark.parametrize("weights", [(1, 1), (1, 2, 4)])
def test_a_draw_by_hash_gives_what_clients_give_online(weights: tuple[int, ...]) -> None:
    keys = ["control", "one", "two"][: len(weights)]
    ends = [threshold(Fraction(sum(weights[: index + 1]), sum(weights))) for index in range(len(weights))]
    arms = tuple(Arm(key, key, below) for key, below in zip(keys, [*ends[:-1], WHOLE], strict=True))
    online = Evaluator(
        Ruleset(
            project="shop", environment="production", version=1, units={"user": "user_id"},
            flags={
                "f": Flag(Type.STRING, "user", {key: key for key in keys}, "control", rules=(Run("x"),))
            },
            experiments={
                "x": Experiment(
                    flag="f", unit="user", version=1, phase=1, salt="variant:x:1", arms=arms,
                    coverage_salt="coverage:x:1",
                )
            },
        )
    )  # fmt: skip

    found = dealing(people(500), draw="hash", key="x", variants=dict(zip(keys, weights, strict=True)))

    assert found.salt == "variant:x:1"
    assert [keys[code] for code in found.split] == [
        online.evaluate("f", unit, {}).variant for unit in found.roster.units
    ]


def test_a_salt_of_ones_own_is_taken() -> None:
    found = dealing(people(50), draw="hash", salt="mine", key=None, seed=3)

    assert (
        found.split.tolist() == hashed("mine", [one.encode() for one in found.roster.units], [1, 1]).tolist()
    )


def test_strata_are_crossed_and_a_missing_value_is_a_stratum_of_its_own() -> None:
    found = dealing(crowd(), design="blocked", strata=["country", "plan"], small="keep")

    assert found.strata is not None
    assert set(found.strata.names) >= {"DE | free", "US | gold"}
    assert [name for name in found.strata.names if name.startswith("(missing)")]
    assert "units without a value in country: 1" in found.notes[0]


@pytest.mark.requirement("R16")
def test_blocks_are_nearer_to_what_is_due_than_a_simple_split() -> None:
    found = dealing(crowd(), design="blocked", strata=["country", "plan"], covariates=["age"])

    inside = [count for count in found.counts if count.stratum is not None]
    assert max(abs(count.after - count.due) for count in inside) < 1
    assert max(abs(count.before - count.due) for count in inside) > 1
    over = [count for count in found.counts if count.stratum is None]
    assert [count.after for count in over] == [200, 200]
    strata = [
        one for one in found.differences if one.covariate in {"country", "plan"} and one.stratum is None
    ]
    after = sum((one.after or 0) ** 2 for one in strata)
    before = sum((one.before or 0) ** 2 for one in strata)
    assert after < before


def test_small_strata_are_pooled_kept_or_refused() -> None:
    population = crowd(60)
    said = {"design": "blocked", "strata": ["shop", "country", "plan"]}

    pool, keep = dealing(population, **said), dealing(population, **said, small="keep")

    assert pool.strata is not None
    assert keep.strata is not None
    assert pool.strata.names[-1] == "(small strata)"
    assert len(pool.strata.names) < len(keep.strata.names)
    assert "were pooled" in pool.notes[-1]
    assert "not every variant is in each" in keep.notes[-1]
    with pytest.raises(
        DataError, match=r"strata have fewer units than the 2 variants .*name fewer or coarser"
    ):
        dealing(population, **said, small="refuse")


def test_fewer_units_than_variants_are_refused() -> None:
    with pytest.raises(DataError, match=r"there are 1 units for 2 variants \(control, treatment\)"):
        dealing(people(1))
