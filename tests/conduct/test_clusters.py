"""Clusters from rows to readout: adjusted, and as quantiles."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm  # type: ignore[import-untyped]  # ships no types

from splitrun.conduct.analyze import analyze
from splitrun.infer.estimate import Estimate, Unknown, Why
from splitrun.judge.readout import Readout
from splitrun.moments import FloatArray
from splitrun.report.form import written

HERE = Path(__file__).parents[1] / "cases"
EXAMPLES = Path(__file__).parents[2] / "examples"
CASES = json.loads((HERE / "stat_cases.json").read_text(encoding="utf-8"))["cases"]


def absolute(readout: Readout, place: int = 0) -> Estimate:
    found = readout.comparisons[place].absolute
    assert isinstance(found, Estimate)
    return found


def experiment(metric: dict[str, Any], **more: object) -> dict[str, object]:
    return {
        "key": "tried",
        "unit": "row",
        "hypothesis": {
            "change": "a new page",
            "because": "the old one is slow",
            "expect": {"metric": "m", "direction": metric["better"], "mei": 0.1},
        },
        "exposures": {
            "frame": "exposures",
            "unit": "row",
            "variant": "variant",
            "cluster": "cluster",
            "pre_exposure": ["age", "far", "region"],
        },
        "variants": {"control": {}, "treatment": {}},
        "weights": "unknown",
        "metrics": {"primary": [{"key": "m", "source": "exposures", **metric}]},
        "analysis": {"method": "fixed"},
        **more,
    }


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("at", [0.9, 0.99])
def test_a_quantile_over_clusters_agrees_with_the_survey_package(at: float) -> None:
    with (HERE / "latency.csv").open(encoding="utf-8") as lines:
        users = list(csv.DictReader(lines))
    rows = pd.DataFrame(
        [
            {"variant": user["variant"], "cluster": f"user {index}", "ms": float(ms)}
            for index, user in enumerate(users)
            for ms in user["ms"].split()
        ]
    ).assign(age=0.0, far=0.0, region="a")
    metric = {"kind": "quantile", "at": at, "per": "unit", "value": "ms", "better": "lower"}

    found = analyze(experiment(metric), exposures=rows)

    # R 4.2 survey::svyquantile with users as clusters of their requests
    case = next(each for each in CASES if each["id"] == f"quantile.latency.p{100 * at:.0f}")
    says, tolerance = case["expected"], case["tolerance"]["rel"]
    ours, read = absolute(found), found.comparisons[0]
    assert read.control.mean == pytest.approx(says["control"]["q"], rel=1e-9)
    assert read.treatment.mean == pytest.approx(says["treatment"]["q"], rel=1e-9)
    assert (read.control.clusters, read.control.units) == (610, 6_317)
    assert ours.effect == pytest.approx(says["diff"], rel=1e-9)
    assert ours.stderr == pytest.approx(says["se_diff"], rel=tolerance)
    # of the difference, between those of the two variants
    effects = sorted(says[variant]["deff"] for variant in ("control", "treatment"))
    assert read.design_effect is not None
    assert effects[0] * 0.99 <= read.design_effect <= effects[1] * 1.01


def hat(design: FloatArray, y: FloatArray, cluster: FloatArray) -> tuple[float, float, float]:
    """Effect, variance and degrees of freedom of the second column, CR2 by whole blocks of I - H.

    To each cluster's score is added what it moves the covariate mean by times the difference of slopes, which
    stand in the columns behind the (centred) covariates'.
    """
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ design.T @ y
    left = np.eye(len(y)) - design @ bread @ design.T
    residual, covariates = left @ y, (design.shape[1] - 2) // 2
    names = np.unique(cluster)
    scores, columns = [], []
    for name in names:
        own = np.flatnonzero(cluster == name)
        values, vectors = np.linalg.eigh(left[np.ix_(own, own)])
        weight = vectors @ (vectors.T @ (design[own] @ bread[1]) / np.sqrt(values))
        moved = design[own, 2 : 2 + covariates].sum(axis=0) / len(y) * np.sqrt(len(names) / (len(names) - 1))
        scores.append(weight @ residual[own] + moved @ beta[2 + covariates :])
        columns.append(left[:, own] @ weight)
    products = np.array(columns) @ np.array(columns).T
    return (
        float(beta[1]),
        float(np.sum(np.square(scores))),
        float(np.trace(products) ** 2 / np.sum(products**2)),
    )


@pytest.mark.requirement("R26", "R37")
def test_thornton_by_village_adjusted_agrees_with_whole_hat_matrices() -> None:
    rows = pd.read_csv(EXAMPLES / "thornton" / "thornton_hiv.csv")
    rows = rows[rows["any"].notna() & rows["villnum"].notna()]
    frame = pd.DataFrame(
        {
            "variant": np.where(rows["any"] == 1, "treatment", "control"),
            "cluster": rows["villnum"],
            "got": rows["got"],
            "age": rows["age"],
            "far": rows["distvct"],
            "region": "a",
        }
    )
    metric = {"kind": "share", "where": "got = 1", "better": "higher"}
    adjust = {"adjust": {"covariates": ["age", "far"]}, "method": "fixed"}

    found = analyze(experiment(metric, analysis=adjust), exposures=frame)

    some = frame[frame["got"].notna()]
    x = np.column_stack(
        [column for name in ("age", "far") for column in (some[name].fillna(0.0), some[name].isna())]
    ).astype(np.float64)
    x = x[:, x.std(axis=0) > 0]
    x -= x.mean(axis=0)
    treated = (some["variant"] == "treatment").to_numpy(dtype=np.float64)
    design = np.column_stack([np.ones(len(x)), treated, x, treated[:, None] * x])
    effect, variance, dof = hat(design, some["got"].to_numpy(dtype=np.float64), some["cluster"].to_numpy())
    ours, read = absolute(found), found.comparisons[0]
    assert ours.effect == pytest.approx(effect, rel=1e-9)
    assert ours.stderr**2 == pytest.approx(variance, rel=1e-7)
    assert ours.dof == pytest.approx(dof, rel=1e-7)
    assert read.adjusted is not None
    # R's clubSandwich on the same rows without covariates: tests/cases, cluster.thornton
    plain = read.adjusted.unadjusted.absolute
    assert isinstance(plain, Estimate)
    assert plain.stderr == pytest.approx(0.0227903218610485, rel=1e-9)
    assert read.adjusted.reduction == pytest.approx(1 - variance / plain.stderr**2, rel=1e-6)
    assert read.control.clusters is not None


def villages(seed: int, *, nested: bool) -> pd.DataFrame:
    """60 villages of unlike sizes in three regions, of one variant each or of both; region c is small."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(60), rng.integers(15, 40, 60))
    own = rng.normal(size=60)
    far = own[cluster] + rng.normal(size=len(cluster)) + 7
    region = rng.choice(["a", "b", "c"], p=[0.6, 0.38, 0.02], size=len(cluster))
    treated = cluster % 2 == 1 if nested else rng.random(len(cluster)) < 0.5
    y = 5 + treated * (1 + 0.3 * far) + 0.8 * far + 2 * (region == "b") + 0.5 * own[cluster]
    return pd.DataFrame(
        {
            "variant": np.where(treated, "treatment", "control"),
            "cluster": cluster,
            "y": y + rng.normal(size=len(cluster)),
            "far": far,
            "age": 0.0,
            "region": region,
        }
    )


SEGMENTS = {"region": {"values": "region"}}
ADJUST = {"method": "fixed", "adjust": {"covariates": ["far"], "strata": ["region"]}}
MEAN = {"kind": "mean", "value": "y", "better": "higher"}


def known_before(some: pd.DataFrame) -> FloatArray:
    """The covariate and the dummies of the large regions, centred: c has fewer than 50 units."""
    x = np.column_stack([some["far"], some["region"] == "a", some["region"] == "b"]).astype(np.float64)
    return np.asarray(x - x.mean(axis=0))


def test_covariates_and_strata_within_clusters_agree_with_whole_hat_matrices() -> None:
    rows = villages(5, nested=False)

    found = analyze(experiment(MEAN, segments=SEGMENTS, analysis=ADJUST), exposures=rows)

    levels = {each.level: each for each in found.comparisons}
    for level, some in ((None, rows), ("a", rows[rows["region"] == "a"])):
        x = known_before(some) if level is None else (some[["far"]] - some["far"].mean()).to_numpy()
        treated = (some["variant"] == "treatment").to_numpy(dtype=np.float64)
        design = np.column_stack([np.ones(len(x)), treated, x, treated[:, None] * x])
        effect, variance, dof = hat(design, some["y"].to_numpy(), some["cluster"].to_numpy())
        ours = levels[level].absolute
        assert isinstance(ours, Estimate)
        assert ours.effect == pytest.approx(effect, rel=1e-8)
        assert ours.stderr**2 == pytest.approx(variance, rel=1e-7)
        assert ours.dof == pytest.approx(dof, rel=1e-7)
    whole = levels[None].adjusted
    assert whole is not None
    assert whole.covariates == ("far", "region")


@pytest.mark.requirement("R26")
def test_covariates_and_strata_of_clusters_of_one_variant_agree_with_statsmodels() -> None:
    rows = villages(6, nested=True)

    found = analyze(experiment(MEAN, segments=SEGMENTS, analysis=ADJUST), exposures=rows)

    x = pd.DataFrame(known_before(rows), index=rows.index)
    levels, variances, products, slopes = [], [], np.zeros((3, 3)), []
    means = [x[rows["variant"] == each].mean().to_numpy() for each in ("control", "treatment")]
    common = (means[0] + means[1]) / 2  # of 30 clusters each
    for variant, mean in zip(("control", "treatment"), means, strict=True):
        mine = rows["variant"] == variant
        sums = rows[mine].groupby("cluster")["y"].agg(["sum", "size"])
        forms = (x[mine] - mean).groupby(rows["cluster"][mine]).sum() / sums["size"].mean()
        level = sums["sum"].sum() / sums["size"].sum()
        outcome = (sums["sum"] - level * sums["size"]) / sums["size"].mean()
        fit = sm.OLS(outcome.to_numpy(), sm.add_constant(forms.to_numpy())).fit()
        read = fit.get_prediction(np.concatenate([[1.0], common - mean])[None])
        levels.append(level + read.predicted_mean[0])
        variances.append(read.se_mean[0] ** 2)
        slopes.append(fit.params[1:])
        products += forms.to_numpy().T @ forms.to_numpy()
    apart = slopes[1] - slopes[0]
    ours, read_out = absolute(found), found.comparisons[0]
    assert (read_out.control.clusters, read_out.treatment.clusters) == (30, 30)
    assert [read_out.control.mean, read_out.treatment.mean] == pytest.approx(levels, rel=1e-9)
    assert ours.stderr**2 == pytest.approx(sum(variances) + apart @ products @ apart / 58 / 60, rel=1e-7)
    assert read_out.adjusted is not None
    assert read_out.adjusted.reduction is not None
    assert read_out.adjusted.reduction > 0.5


def test_a_ratio_over_clusters_is_adjusted_too() -> None:
    rows = villages(7, nested=False).assign(under=lambda frame: 3 + frame["far"].abs().round())
    over = {"source": "exposures", "value": "y"}
    metric: dict[str, Any] = {
        "kind": "ratio",
        "over": over,
        "under": {**over, "value": "under"},
        "better": "higher",
    }
    made = experiment(metric, analysis={"method": "fixed", "adjust": {"covariates": ["far"]}})
    made["metrics"] = {"primary": [{"key": "m", **metric}]}

    found = analyze(made, exposures=rows)

    form = np.zeros(len(rows))
    treated = (rows["variant"] == "treatment").to_numpy()
    for mine in (treated, ~treated):
        ratio = rows["y"][mine].sum() / rows["under"][mine].sum()
        form[mine] = ratio + (rows["y"][mine] - ratio * rows["under"][mine]) / rows["under"][mine].mean()
    x = (rows[["far"]] - rows["far"].mean()).to_numpy()
    design = np.column_stack([np.ones(len(x)), treated, x, treated[:, None] * x])
    effect, variance, _ = hat(design, form, rows["cluster"].to_numpy())
    assert absolute(found).effect == pytest.approx(effect, rel=1e-8)
    assert absolute(found).stderr ** 2 == pytest.approx(variance, rel=1e-7)


def test_what_is_not_known_of_any_cluster_changes_nothing() -> None:
    rows = villages(8, nested=False).assign(far=3.0)

    found = analyze(
        experiment(MEAN, analysis={"method": "fixed", "adjust": {"covariates": ["far"]}}), exposures=rows
    )

    assert found.comparisons[0].adjusted is None
    assert found.comparisons[0].control.clusters == 60


def test_one_cluster_of_a_variant_says_that_clusters_are_too_few() -> None:
    rows = villages(9, nested=True)
    rows = rows[rows["cluster"].isin([1, *range(0, 60, 2)])]

    found = analyze(experiment(MEAN), exposures=rows)

    assert "fewer than two clusters in one of the variants" in found.comparisons[0].says
    assert found.comparisons[0].treatment.clusters == 1
    assert found.comparisons[0].treatment.mean == pytest.approx(rows["y"][rows["cluster"] == 1].mean())


def test_a_quantile_of_events_counts_them_over_clusters_of_their_units() -> None:
    with (HERE / "latency.csv").open(encoding="utf-8") as lines:
        users = list(csv.DictReader(lines))
    # houses of some users each, of both variants
    house = np.random.default_rng(3).integers(0, 150, len(users))
    seen = pd.DataFrame(
        {"user": range(len(users)), "variant": [user["variant"] for user in users], "cluster": house}
    )
    rows = pd.DataFrame(
        [(index, float(ms)) for index, user in enumerate(users) for ms in user["ms"].split()],
        columns=["user", "ms"],
    )
    metric = {"kind": "quantile", "at": 0.75, "per": "event", "value": "ms", "better": "lower"}
    made = experiment({**metric, "source": "requests"}, unit="user")
    made["exposures"] = {"frame": "exposures", "unit": "user", "variant": "variant", "cluster": "cluster"}
    made["sources"] = {"requests": {"frame": "requests", "unit": "user"}}

    found = analyze(made, exposures=seen, sources={"requests": rows})

    events = rows.merge(seen, on="user")
    parts, errors = [], []
    for variant in ("control", "treatment"):
        mine = events[events["variant"] == variant]
        q = float(np.quantile(mine["ms"], 0.75, method="inverted_cdf"))
        table = mine.assign(s=mine["ms"] <= q).groupby("cluster")["s"].agg(["sum", "size"])
        table = table.reindex(range(150), fill_value=0)
        share = table["sum"].sum() / table["size"].sum()
        # Francisco, Fuller 1991: residuals of totals over all events
        error = ((table["sum"] - share * table["size"]) / table["size"].sum()).to_numpy(dtype=np.float64)
        held = int((table["size"] > 0).sum())
        stderr = np.sqrt(held / (held - 1) * np.sum(error**2))
        low, high = np.quantile(
            mine["ms"],
            [0.75 - 1.959963984540054 * stderr, 0.75 + 1.959963984540054 * stderr],
            method="inverted_cdf",
        )
        parts.append((high - low) / (2 * 1.959963984540054))
        errors.append(error / np.sqrt(np.sum(error**2)))
    together = float(errors[0] @ errors[1])
    variance = parts[0] ** 2 + parts[1] ** 2 - 2 * together * parts[0] * parts[1]
    ours, read = absolute(found), found.comparisons[0]
    assert ours.stderr**2 == pytest.approx(variance, rel=1e-9)
    assert read.control.clusters == len(set(house[seen["variant"] == "control"]))
    # how many events there are is compared over houses too
    units = seen.assign(k=rows.groupby("user").size())
    treated = (units["variant"] == "treatment").to_numpy(dtype=np.float64)
    design = np.column_stack([np.ones(len(units)), treated]).astype(np.float64)
    effect, squared, _ = hat(design, np.asarray(units["k"], dtype=np.float64), house.astype(np.float64))
    assert read.parts is not None
    counted = read.parts.denominator.absolute
    assert isinstance(counted, Estimate)
    assert counted.effect == pytest.approx(effect, rel=1e-9)
    assert counted.stderr**2 == pytest.approx(squared, rel=1e-8)


REASONS = {
    # (units, clusters), scale: of the mean, the ratio and the median; 0 for an estimate
    (2, 1): dict.fromkeys((0.0, 1e-160, 1e8, 1e99), (10, 10, 10)),
    (30, 12): {0.0: (3, 3, 7), 1e-160: (6, 6, 7), 1e8: (0, 0, 7), 1e99: (0, 0, 7)},
    # more than a third of the values are 0, so that the median is tied; where all are, none lies beyond it
    (400, 60): {0.0: (3, 3, 7), 1e-160: (6, 6, 9), 1e8: (0, 0, 9), 1e99: (0, 0, 9)},
}


def strange(scale: float, units: int, clusters: int, sign: float = 1.0) -> Readout:
    """Values of any size over clusters that hold both variants, with a covariate that is large or unknown."""
    rng = np.random.default_rng([units, clusters])
    rows = pd.DataFrame(
        {
            "variant": np.where(np.arange(units) % 2 == 1, "treatment", "control"),
            "cluster": rng.integers(0, clusters, units),
            "y": scale * np.round(rng.normal(size=units)),
            "far": np.where(rng.random(units) < 0.1, np.nan, 1e9 + rng.normal(size=units) * scale),
            "age": sign * rng.integers(1, 3, units),
            "region": rng.choice(["a", "b"], units),
        }
    )
    rules = {"method": "fixed", "adjust": {"covariates": ["far", "age"], "strata": ["region"]}}
    made: dict[str, Any] = experiment(MEAN, segments=SEGMENTS, analysis=rules)
    made["metrics"]["secondary"] = MORE
    return analyze(made, exposures=rows)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("scale", [0.0, 1e-160, 1e8, 1e99])
@pytest.mark.parametrize(("units", "clusters"), [(2, 1), (30, 12), (400, 60)])
def test_whatever_the_values_there_are_numbers_or_the_reason_why_not(
    scale: float, units: int, clusters: int, sign: float
) -> None:
    found = strange(scale, units, clusters, sign)

    told = [each.absolute for each in found.comparisons if each.level is None]
    assert (
        tuple(int(each.why) if isinstance(each, Unknown) else 0 for each in told)
        == REASONS[units, clusters][scale]
    )
    assert all(each.control.clusters is not None for each in found.comparisons)
    document = written(found)
    assert "NaN" not in document
    assert "Infinity" not in document


NOBODY = Unknown(Why.NO_UNITS)
MORE = [
    {
        "key": "r",
        "kind": "ratio",
        "over": {"source": "exposures", "value": "y"},
        "under": {"source": "exposures", "value": "age"},
        "better": "higher",
    },
    {"key": "q", "kind": "quantile", "at": 0.5, "per": "unit", "source": "exposures", "value": "y"}
    | {"better": "higher"},
]


@pytest.mark.parametrize("rules", [{"method": "fixed"}, ADJUST])
def test_before_the_first_unit_there_are_no_levels_and_the_whole_says_so(rules: dict[str, object]) -> None:
    rows = villages(5, nested=False).assign(at="2026-03-01T12:00:00Z")
    made: dict[str, Any] = experiment(MEAN, segments=SEGMENTS, analysis=rules)
    made["exposures"]["time"] = "at"
    made["metrics"]["secondary"] = MORE

    found = analyze(made, exposures=rows, as_of="2026-02-01T00:00:00Z")

    told = {(each.metric, each.level): each.absolute for each in found.comparisons}
    assert told == {("m", None): NOBODY, ("r", None): NOBODY, ("q", None): NOBODY}


def test_a_ratio_with_denominators_below_zero_agrees_with_whole_hat_matrices() -> None:
    rows = villages(10, nested=False)
    rows = rows.assign(age=-3 - rows["far"].abs())
    made: dict[str, Any] = experiment(MEAN)
    made["metrics"]["secondary"] = MORE[:1]

    found = analyze(made, exposures=rows)

    form = np.zeros(len(rows))
    treated = (rows["variant"] == "treatment").to_numpy()
    for mine in (treated, ~treated):
        ratio = rows["y"][mine].sum() / rows["age"][mine].sum()
        form[mine] = ratio + (rows["y"][mine] - ratio * rows["age"][mine]) / rows["age"][mine].mean()
    design = np.column_stack([np.ones(len(rows)), treated]).astype(np.float64)
    effect, variance, dof = hat(design, form, rows["cluster"].to_numpy(dtype=np.float64))
    ours = absolute(found, 1)
    assert found.comparisons[1].control.clusters == 60
    assert ours.effect == pytest.approx(effect, rel=1e-9)
    assert ours.stderr**2 == pytest.approx(variance, rel=1e-8)
    assert ours.dof == pytest.approx(dof, rel=1e-8)


@pytest.mark.parametrize("age", [0.0, None])
@pytest.mark.parametrize("nested", [True, False])
def test_a_ratio_counted_over_nothing_has_no_denominator(age: float | None, nested: bool) -> None:  # noqa: FBT001 - pytest hands parameters over by name
    rows = villages(11, nested=nested)
    made: dict[str, Any] = experiment(MEAN)
    made["metrics"]["secondary"] = MORE[:1]
    around = np.random.default_rng(12).normal(size=len(rows))

    found = analyze(made, exposures=rows.assign(age=around if age is None else age))

    assert found.comparisons[1].absolute == Unknown(Why.NO_DENOMINATOR)
    assert found.comparisons[1].control.clusters == (30 if nested else 60)


def test_a_few_clusters_that_hold_most_units_are_the_reason_of_every_kind() -> None:
    rng = np.random.default_rng(13)
    sizes = [1] * 40 + [3_000]
    cluster = np.repeat(np.arange(82), sizes * 2)
    rows = pd.DataFrame(
        {
            "variant": np.where(cluster < 41, "control", "treatment"),
            "cluster": cluster,
            "y": rng.normal(5, 1, len(cluster)),
            "age": 2.0,
            "far": 0.0,
            "region": "a",
        }
    )
    made: dict[str, Any] = experiment(MEAN)
    made["metrics"]["secondary"] = MORE

    found = analyze(made, exposures=rows)

    told = [each.absolute for each in found.comparisons]
    assert told == [Unknown(Why.LOPSIDED_CLUSTERS)] * 3
    assert found.comparisons[0].control.clusters == 41


@pytest.mark.parametrize("cluster", [None, "of one", "of both"])
def test_covariates_that_explain_a_metric_leave_the_unadjusted_effect_beside(cluster: str | None) -> None:
    rows = villages(14, nested=cluster == "of one")
    rows = rows.assign(y=rows["far"] + 3 * (rows["variant"] == "treatment"))
    made: dict[str, Any] = experiment(MEAN, analysis={"method": "fixed", "adjust": {"covariates": ["far"]}})
    if cluster is None:
        del made["exposures"]["cluster"]

    found = analyze(made, exposures=rows).comparisons[0]

    assert found.absolute == Unknown(Why.EXPLAINED)
    assert found.adjusted is not None
    assert isinstance(found.adjusted.unadjusted.absolute, Estimate)
    assert found.adjusted.unadjusted.absolute.effect == pytest.approx(
        rows.groupby("variant")["y"].mean().diff().iloc[1]
    )
    assert found.treatment.mean == pytest.approx((found.control.mean or 0.0) + 3)


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("adjust", [{}, {"adjust": {"covariates": ["far"]}}])
def test_a_capped_metric_over_clusters_shows_what_it_is_without_its_cap(
    nested: bool,  # noqa: FBT001 - pytest hands parameters over by name
    adjust: dict[str, object],
) -> None:
    rows = villages(15, nested=nested)
    rules = {"method": "fixed", **adjust}
    metric = {"kind": "mean", "value": "y", "better": "higher"}

    capped = analyze(experiment({**metric, "cap": {"at": 12}}, analysis=rules), exposures=rows).comparisons[0]

    # the same metric that never had a cap
    bare = absolute(analyze(experiment(metric, analysis=rules), exposures=rows))
    assert capped.capped is not None
    assert capped.capped.uncapped is not None
    found = capped.capped.uncapped.absolute
    assert isinstance(found, Estimate)
    assert found.effect == pytest.approx(bare.effect, rel=1e-12)
    assert found.stderr == pytest.approx(bare.stderr, rel=1e-12)
    assert found.dof == pytest.approx(bare.dof, rel=1e-9)
    assert capped.absolute != found
