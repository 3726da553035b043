"""What is read of baselines and questions, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter

from splitrun.errors import DataError, SpecError
from splitrun.moments import Moments
from splitrun.plan.power.known import level
from splitrun.plan.power.measured import measured
from splitrun.plan.power.planned import planned
from splitrun.spec.metric import Metric
from splitrun.spec.power.baselines import Baselines, Clustering, MeanBaseline
from splitrun.spec.power.question import read_question
from tests.plan.power.plans import KNOWN, PROVING, answered, known
from tests.spec.texts import GOOD, plan_of

METRIC: TypeAdapter[Metric] = TypeAdapter(Metric)


def metric(kind: str) -> Metric:
    more: dict[str, dict[str, object]] = {
        "ratio": {"over": {"source": "o", "value": "a"}, "under": {"source": "o", "count": "rows"}},
        "quantile": {"source": "o", "value": "a", "at": 0.9, "per": "unit"},
    }
    return METRIC.validate_python({"kind": kind, "better": "higher", **more.get(kind, {"source": "o"})})


@pytest.mark.parametrize(
    ("baselines", "says"),
    [
        (KNOWN.replace("bought", "bougt"), "no metric 'bougt'; did you mean 'bought'"),
        (KNOWN.replace("  bought: {share: 12%}\n", ""), "no baseline of 'bought', on which the size"),
        (KNOWN.replace("{share: 2%}", "{mean: 2, sd: 1}"), "not that of a share, which 'refunds' is"),
        (KNOWN.replace("revenue: {mean: 8, sd: 20}", "revenue: {share: 2%}"), "not that of a mean"),
        (KNOWN.replace("{mean: 3, sd: 5}", "{share: 2%}"), "write `delays: {mean: 8, sd: 20}`"),
        (f"{KNOWN.split('  basket')[0]}  basket: {{share: 2%}}\n", "not that of a ratio"),
        (KNOWN.replace("12%", "99.5%"), r"99\.5% moved by 1pp would be 100\.5%"),
    ],
)  # fmt: skip
def test_baselines_that_do_not_belong_to_the_plan_are_refused(baselines: str, says: str) -> None:
    plan = plan_of(PROVING)

    with pytest.raises(SpecError, match=says):
        planned(plan, known(baselines))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("metrics: {a: {share: 0%}}", "0% is no baseline of a share"),
        ("metrics: {a: {share: 1}}", "1 is no baseline of a share"),
        ("metrics: {a: {share: true}}", "true is no share of units"),
        ("metrics: {a: {mean: 3}}", "write `sd` or `variance`"),
        ("metrics: {a: {mean: 3, sd: 1, variance: 1}}", "write `sd` or `variance`"),
        ("metrics: {a: {mean: 3, sd: 1, r2: 1.0}}", "below 1"),
        ("units_per_day: 0", "above 0"),
        ("metrics: {a: {over: {mean: 3, sd: 1}}}", "`under` is missing"),
    ],
)
def test_files_of_baselines_are_checked(text: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        known(text)


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"margin": "1pp"}, "an effect and a margin are two questions"),
        ({"mei": None}, "nothing says what is sought"),
        ({"looks": 3}, "`looks` belongs to planned looks"),
        ({"futility": True}, "`futility` belongs to planned looks"),
        ({"method": "group_sequential", "spending": "hsd"}, "`spending_parameter` belongs"),
        ({"units": 100, "enrol": "7d", "units_per_day": 5}, "each say how many units"),
        ({"enrol": "7d"}, "`enrol` without `units_per_day`"),
        ({"baseline": 0.12}, r"0\.12 alone is no baseline"),
        ({"mei": "90pp"}, r"12% moved by 90pp would be 102%; ask for less than 88pp above"),
        ({"mei": "12pp", "better": "lower"}, "would be 0%; ask for less than 12pp below"),
        ({"baseline": {"mean": 0, "sd": 1}, "mei": "1%"}, "1% of a baseline of 0 is nothing"),
        ({"weights": [1]}, "weights"),
        ({"methd": "fixed"}, "did you mean `method`"),
    ],
)
def test_questions_that_have_no_answer_are_refused(question: dict[str, object], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        answered(**question)


def test_a_question_may_name_every_kind_of_baseline() -> None:
    over, under = {"mean": 8, "sd": 20}, {"mean": 2, "variance": 9}
    ratio = {"over": over, "under": under, "correlation": 0.5}

    found = read_question({"baseline": ratio, "mei": "5%"}).value

    # (400 - 2 x 4 x 0.5 x 60 + 16 x 9) / 4
    assert level(found.baseline, adjusting=True, clustered=True).variance == pytest.approx((544 - 240) / 4)


def test_what_the_experiment_knows_stands_in_its_plan_and_nowhere_else() -> None:
    text = GOOD + "baselines: {units_per_day: 100, metrics: {bought: {share: 12%}}}\n"

    plan = plan_of(text)

    assert plan.baselines is not None
    assert plan.baselines.units_per_day == 100
    # so that the digest of a plan without baselines stays what it was
    assert "baselines" not in plan_of(GOOD).model_dump(mode="json")
    assert type(plan).model_validate_json(plan.model_dump_json()) == plan


def test_a_share_is_read_off_its_units() -> None:
    moments = Moments.of(np.array([[0.0], [0.0], [1.0], [0.0]]))

    found = measured(metric("share"), moments)

    assert level(found, adjusting=False, clustered=False).value == 0.25


def test_a_mean_is_read_off_with_what_covariates_explain() -> None:
    rng = np.random.default_rng(5)
    before = rng.normal(size=(5_000, 2))
    y = 3.0 + before @ [2.0, 1.0] + rng.normal(size=5_000)
    moments = Moments.of(np.column_stack([y, before, before[:, 0]]))
    alike = Clustering(size=20, icc=0.05)

    found = measured(metric("mean"), moments, covariates=3, clusters=alike)

    # by ordinary least squares; the third covariate repeats the first
    fit = np.column_stack([np.ones(5_000), before])
    rest = y - fit @ np.linalg.lstsq(fit, y, rcond=None)[0]
    assert isinstance(found, MeanBaseline)
    assert found.mean == pytest.approx(y.mean())
    assert found.squared == pytest.approx(y.var(ddof=1))
    assert found.r2 == pytest.approx(1 - rest.var() / y.var(), rel=1e-9)
    assert level(found, adjusting=True, clustered=True).noise == pytest.approx((1 - (found.r2 or 0)) * 1.95)


def test_a_ratio_is_read_off_with_its_parts() -> None:
    rng = np.random.default_rng(6)
    under = rng.poisson(3.0, 4_000) + 1.0
    over = under * rng.gamma(2.0, 2.0, 4_000)

    found = level(measured(metric("ratio"), Moments.of(np.column_stack([over, under]))),
                  adjusting=False, clustered=False)  # fmt: skip

    part = (over - found.value * under) / under.mean()
    assert found.variance == pytest.approx(part.var(ddof=1), rel=1e-9)


def test_a_ratio_over_a_constant_is_read_off_all_the_same() -> None:
    values = np.array([[1.0, 2.0], [3.0, 2.0], [8.0, 2.0]])

    found = measured(metric("ratio"), Moments.of(values))

    assert isinstance(found, MeanBaseline)
    assert found.mean == 2.0
    assert found.squared == pytest.approx(np.var([0.5, 1.5, 4.0], ddof=1))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("mean", [[1.0]]),
        ("mean", [[2.0], [2.0]]),
        ("share", [[0.0], [0.0]]),
        ("ratio", [[1.0, 0.0], [2.0, 0.0]]),
        ("quantile", [[1.0], [2.0], [3.0]]),
    ],
)
def test_units_that_say_nothing_of_their_spread_are_no_baseline(kind: str, values: list[list[float]]) -> None:
    with pytest.raises(DataError, match="say nothing of how much units differ"):
        measured(metric(kind), Moments.of(np.array(values)))


def test_nothing_known_is_nothing() -> None:
    assert Baselines().metrics == {}
