"""Clusters from rows to readout: adjusted, and as quantiles."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from splitrun.conduct.analyze import analyze
from splitrun.infer.estimate import Estimate
from splitrun.judge.readout import Readout
from splitrun.moments import FloatArray

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
