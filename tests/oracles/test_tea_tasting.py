"""tea-tasting answers the same questions about the same units, in an environment of its own.

It adjusts by CUPED: one slope over both variants together, and the spread that is left as standard error.
Ours is Lin's: a slope for each variant, read at the common mean. Both coincide where the variants' covariates
have the same mean and slope; elsewhere they differ by what the slopes make of the difference in means. Its
interval of a lift is that of a logarithm, ours is Fieller's; they share the effect and agree to the second
order. Its quantiles for a ratio are those of Student, ours normal ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from splitrun import analyze
from splitrun.infer.estimate import Estimate, Unknown
from splitrun.infer.looks.outlook import conditional_power
from splitrun.infer.split import chi_square
from splitrun.judge.readout import Comparison, Readout
from tests.oracles.elsewhere import answered, lacking

UNITS = 1200
SPLITS = (((500, 560), 1.0), ((1000, 2100), 2.0), ((40, 12), 0.25), ((5000, 5000), 1.0))
EFFECTS = (0.5, 2.0, 4.0)
CLOSE = 1e-9

Answer = Mapping[str, Any]
"""What was printed as JSON."""

pytestmark = pytest.mark.skipif(
    lacking("tea-tasting"),
    reason="tea-tasting has no environment of its own; `make oracles` makes it where it may",
)


def units() -> pd.DataFrame:
    """Units whose spending follows what they spent before, and whose orders follow their spending."""
    rng = np.random.default_rng(20260401)
    treated = rng.random(UNITS) < 0.45
    before = rng.gamma(2.0, 10.0, UNITS)
    spent = 0.8 * before * (1 + 0.15 * treated) + rng.gamma(2.0, 6.0, UNITS)
    return pd.DataFrame(
        {
            "unit": [f"u{number}" for number in range(UNITS)],
            "variant": np.where(treated, "treatment", "control"),
            "spent": spent,
            "bought": (spent > 25).astype(int),
            "orders": 1 + rng.poisson(spent / 15),
            "before": before,
        }
    )


def mirrored() -> pd.DataFrame:
    """The units of control once more as treatment, each with 2 more: one slope and one mean in both."""
    table = units()
    control = table[table["variant"] == "control"]
    treatment = control.assign(unit=control["unit"] + "t", variant="treatment", spent=control["spent"] + 2.0)
    return pd.concat([control, treatment], ignore_index=True)


def ours(table: pd.DataFrame) -> Readout:
    """What the platform reads of the units, adjusted, with the effects without adjustment beside them."""
    source = {"source": "exposures"}
    spent, orders = {**source, "value": "spent"}, {**source, "value": "orders"}
    better = {"better": "higher"}
    return analyze(
        {
            "key": "oracle",
            "unit": "user",
            "hypothesis": {
                "change": "one",
                "because": "another",
                "expect": {"metric": "spent", "direction": "higher", "mei": "1%"},
            },
            "exposures": {"frame": "units", "unit": "unit", "variant": "variant", "pre_exposure": ["before"]},
            "variants": {"control": {}, "treatment": {}},
            "weights": "unknown",
            "metrics": {
                "primary": [
                    {"key": "spent", "kind": "mean", **spent, **better},
                    {"key": "bought", "kind": "share", **source, "where": "bought = 1", **better},
                    {
                        "key": "order_value",
                        "kind": "ratio",
                        "over": spent,
                        "under": orders,
                        "better": "higher",
                    },
                ]
            },
            "analysis": {"method": "fixed", "multiplicity": "none", "adjust": {"covariates": ["before"]}},
        },
        exposures=table,
    )


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    folder = tmp_path_factory.mktemp("oracle")
    units().to_csv(folder / "units.csv", index=False)
    mirrored().to_csv(folder / "mirrored.csv", index=False)
    question = {
        "table": str(folder / "units.csv"),
        "mirrored": str(folder / "mirrored.csv"),
        "splits": SPLITS,
        "values": units()["spent"].tolist(),
        "effects": EFFECTS,
        "level": 0.975,
    }
    program = Path(__file__).with_name("ask_tea_tasting.py")
    found: dict[str, Any] = answered("tea-tasting", [program], question)
    return found


@pytest.fixture(scope="module")
def found() -> dict[str, Comparison]:
    return {each.metric: each for each in ours(units()).comparisons}


def known(estimate: Estimate | Unknown) -> Estimate:
    assert isinstance(estimate, Estimate)
    return estimate


def plain(comparison: Comparison) -> tuple[Estimate, Estimate]:
    """Effect and lift without adjustment."""
    assert comparison.adjusted is not None
    return known(comparison.adjusted.unadjusted.absolute), known(comparison.adjusted.unadjusted.relative)


def stderr(theirs: Answer) -> float:
    return float(theirs["effect_size"] / theirs["statistic"])


def column(table: pd.DataFrame, variant: str, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = table.loc[table["variant"] == variant, name]
    return np.asarray(values, dtype=np.float64)


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("metric", ["spent", "bought"])
def test_a_mean_has_their_effect_interval_and_p(
    found: dict[str, Comparison], answer: Answer, metric: str
) -> None:
    effect, lift = plain(found[metric])

    theirs = answer["plain"][metric]
    assert effect.effect == pytest.approx(theirs["effect_size"], rel=CLOSE)
    assert effect.stderr == pytest.approx(stderr(theirs), rel=CLOSE)
    assert effect.low == pytest.approx(theirs["effect_size_ci_lower"], rel=CLOSE)
    assert effect.high == pytest.approx(theirs["effect_size_ci_upper"], rel=CLOSE)
    assert effect.p == pytest.approx(theirs["pvalue"], rel=CLOSE)
    assert lift.effect == pytest.approx(theirs["rel_effect_size"], rel=CLOSE)


@pytest.mark.requirement("R26")
def test_a_ratio_has_their_effect_and_standard_error(found: dict[str, Comparison], answer: Answer) -> None:
    effect, lift = plain(found["order_value"])

    theirs = answer["plain"]["order_value"]
    assert effect.effect == pytest.approx(theirs["effect_size"], rel=CLOSE)
    assert effect.stderr == pytest.approx(stderr(theirs), rel=CLOSE)
    assert effect.high == pytest.approx(effect.effect + stats.norm.ppf(0.975) * stderr(theirs), rel=CLOSE)
    assert lift.effect == pytest.approx(theirs["rel_effect_size"], rel=CLOSE)


@pytest.mark.parametrize("metric", ["spent", "bought", "order_value"])
def test_a_lift_has_their_interval_to_the_second_order(
    found: dict[str, Comparison], answer: Answer, metric: str
) -> None:
    _, lift = plain(found[metric])

    theirs = answer["plain"][metric]
    reach = np.log((1 + theirs["rel_effect_size_ci_upper"]) / (1 + theirs["rel_effect_size"]))
    for end, their_end in ((lift.low, "rel_effect_size_ci_lower"), (lift.high, "rel_effect_size_ci_upper")):
        assert end == pytest.approx(theirs[their_end], abs=(1 + lift.effect) * reach**2)


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("metric", ["spent", "bought"])
def test_an_adjusted_effect_differs_from_cuped_by_what_the_slopes_make_of_the_means(
    found: dict[str, Comparison], answer: Answer, metric: str
) -> None:
    table = units()
    before = {variant: column(table, variant, "before") for variant in ("control", "treatment")}
    slope = {
        variant: np.polyfit(values, column(table, variant, metric), 1)[0]
        for variant, values in before.items()
    }
    both = np.cov(table[metric], table["before"])
    pooled, common = both[0, 1] / both[1, 1], table["before"].mean()
    apart = {variant: values.mean() - common for variant, values in before.items()}

    difference = known(found[metric].absolute).effect - answer["cuped"][metric]["effect_size"]

    expected = (pooled - slope["treatment"]) * apart["treatment"] - (pooled - slope["control"]) * apart[
        "control"
    ]
    assert expected != 0
    assert difference == pytest.approx(expected, rel=1e-6, abs=CLOSE)


def test_a_ratio_is_adjusted_within_a_fiftieth_of_its_standard_error_of_theirs(
    found: dict[str, Comparison], answer: Answer
) -> None:
    effect, theirs = known(found["order_value"].absolute), answer["cuped"]["order_value"]

    # the ratio is linearised around each variant's own value here, around the common one there
    assert effect.effect == pytest.approx(theirs["effect_size"], abs=effect.stderr / 50)
    assert effect.stderr == pytest.approx(stderr(theirs), rel=0.02)


@pytest.mark.requirement("R26")
def test_where_slopes_and_means_are_the_same_adjustment_is_cuped(answer: Answer) -> None:
    spent = known(ours(mirrored()).comparisons[0].absolute)

    theirs, control = answer["mirrored"]["spent"], len(mirrored()) / 2
    assert spent.effect == pytest.approx(2.0, rel=CLOSE)
    assert spent.effect == pytest.approx(theirs["effect_size"], rel=CLOSE)
    # a fitted slope costs one more degree of freedom in each variant; they count none
    assert spent.stderr**2 == pytest.approx(stderr(theirs) ** 2 * (control - 1) / (control - 2), rel=CLOSE)


@pytest.mark.parametrize("number", range(len(SPLITS)))
def test_a_split_has_the_p_of_their_normal_approximation(answer: Answer, number: int) -> None:
    seen, ratio = SPLITS[number]

    p = chi_square(np.array(seen), np.array([1, ratio]) if ratio >= 1 else np.array([1 / ratio, 1])).p

    assert p == pytest.approx(answer["split"][number], rel=CLOSE)


@pytest.mark.parametrize("number", range(len(EFFECTS)))
def test_before_anything_is_seen_conditional_power_is_their_power(answer: Answer, number: int) -> None:
    values = units()["spent"]
    error = np.sqrt(values.var() * (2 / UNITS + 2 / UNITS))

    ours = conditional_power(0.0, 0.0, stats.norm.ppf(0.975), drift=EFFECTS[number] / error)

    assert float(ours) == pytest.approx(answer["power"][number], rel=CLOSE)
