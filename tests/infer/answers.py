"""Our answers to the cases of adjustment, clusters, quantiles and many treatments."""

from __future__ import annotations

import csv
from typing import Any

import duckdb
import numpy as np

from splitrun.infer.adjustment import Adjusted, adjusted, stratified
from splitrun.infer.clusters import alike, crossed, nested
from splitrun.infer.contrast import difference, lift
from splitrun.infer.estimate import Estimate, Estimates, Points
from splitrun.infer.means import means
from splitrun.infer.multiplicity import dunnett_critical, dunnett_p
from splitrun.infer.quantiles import Shares, Z, probabilities, quantile_points
from splitrun.moments import FloatArray, Moments
from tests.infer.case import FOLDER, Case, one

__all__ = ["blocked", "clusters", "covariate", "many", "published", "quantile", "types"]

VARIANTS = ("control", "treatment")
Answers = dict[str, object]


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open() as lines:
        return list(csv.DictReader(lines))


def moments_of(variant: dict[str, Any]) -> Moments:
    """One cell from a matrix of products whose first column is 1, or from the sums of one column."""
    if "gram" in variant:
        gram = np.array(variant["gram"], dtype=np.float64)
        return Moments.from_sums(gram[:1, 0], gram[None, 0, 1:], gram[None, 1:, 1:])
    n, total, squares = (np.array([float(variant[key])]) for key in ("n", "sum", "sumsq"))
    return Moments.from_sums(n, total[:, None], squares[:, None, None])


def shown(found: Adjusted, level: float) -> Answers:
    ours = one(difference(found.control, found.treatment, level=level))
    raised = one(lift(found.control, found.treatment, level=level))
    return {
        "diff": ours.effect,
        "se": ours.stderr,
        "dof": ours.dof,
        "p": ours.p,
        "low": ours.low,
        "high": ours.high,
        "reduction": found.reduction,
        "lift": raised.effect,
        "lift stderr": raised.stderr,
        "lift low": raised.low,
        "lift high": raised.high,
        "lift p": raised.p,
    }


def covariate(case: Case) -> tuple[Answers, Answers]:
    """What is required of us, and what stands nearest to other estimators."""
    control, treatment = (moments_of(case.inputs[variant]) for variant in VARIANTS)
    found = adjusted(control, treatment, covariates=control.mean.shape[1] - 1)
    near = shown(found, case.inputs.get("level", 0.95))
    plain = one(difference(*(means(moments) for moments in (control, treatment)), level=0.95))
    required = {
        "unadjusted_diff": plain.effect,
        "unadjusted_se": plain.stderr,
        "lin_diff": near["diff"],
        "lin_gram_se": np.sqrt(found.control.variance + found.treatment.variance),
        "lin_se_hc2": near["se"],
    }
    return {key: value for key, value in required.items() if key in case.expected}, near


def blocked(case: Case) -> tuple[Answers, Answers]:
    strata = case.inputs["strata"]
    control, treatment = ([moments_of(stratum[variant]) for stratum in strata] for variant in VARIANTS)
    near = shown(adjusted(*stratified(control, treatment), covariates=len(strata)), 0.95)
    whole = (means(sum_of(each)) for each in (control, treatment))
    plain = one(difference(*whole, level=0.95))
    required = {
        "ps_diff": near["diff"],
        "lin_factor_diff": near["diff"],
        "block_dim_diff": near["diff"],
        "unadjusted_diff": plain.effect,
        "unadjusted_se": plain.stderr,
    }
    return {key: value for key, value in required.items() if key in case.expected}, near


def sum_of(parts: list[Moments]) -> Moments:
    return Moments.stacked(parts).gathered(np.zeros(len(parts), dtype=np.int64), 1)


def cluster_summaries(name: str) -> FloatArray:
    """Units, total and sum of squares of every cluster in each variant, shape (3, clusters, 2)."""
    if name == "thornton_villages.csv":
        return np.array(
            [
                [[float(row[f"{prefix}{variant}"]) for variant in VARIANTS] for row in rows(name)]
                # a share: its squares are itself
                for prefix in ("", "got_", "got_")
            ]
        )
    found = np.zeros((3, len(rows(name)), 2))
    for index, row in enumerate(rows(name)):
        values = np.array(row["ms"].split(), dtype=np.float64)
        found[:, index, VARIANTS.index(row["variant"])] = len(values), values.sum(), values @ values
    return found


def over_clusters(variant: dict[str, float]) -> Moments:
    """One cell over clusters from the sums of a case: totals and units."""
    cross = variant["sum_sk"]
    products = np.array([[[variant["sumsq_s"], cross], [cross, variant["sumsq_k"]]]], dtype=np.float64)
    sums = np.array([[variant["sum_s"], variant["sum_k"]]], dtype=np.float64)
    return Moments.from_sums(np.array([float(variant["clusters"])]), sums, products)


def correlation(summaries: FloatArray) -> float:
    """Within clusters and variants, the mean of both variants."""
    found = []
    for variant in range(2):
        units, totals, squares = summaries[:, summaries[0, :, variant] > 0, variant]
        columns = np.stack([totals, units, squares, totals**2 / units], axis=1)
        found.append(alike(Moments.of(columns)).correlation[0])
    return float(np.mean(found))


def reduced(estimate: Estimate) -> Answers:
    return {
        "se_cr2": estimate.stderr,
        "se_cr2_clubSandwich": estimate.stderr,
        "df_satterthwaite": estimate.dof,
        "df_clubSandwich": estimate.dof,
        "p_cr2": estimate.p,
        "ci_low_cr2": estimate.low,
        "ci_high_cr2": estimate.high,
    }


def clusters(case: Case) -> tuple[Answers, Answers]:
    required: Answers = {}
    near: Answers = {}
    if "control" in case.inputs:
        points: list[Points] = [nested(over_clusters(case.inputs[variant])) for variant in VARIANTS]
        ours = one(difference(*points, level=0.95))
        required = {"diff": ours.effect, "ratio_delta_diff": ours.effect, "ratio_delta_se": ours.stderr}
        near = reduced(ours)
    if "file" in case.inputs:
        summaries = cluster_summaries(case.inputs["file"])
        found = one(difference(*crossed(summaries[:1], summaries[1:2]), level=0.95))
        required |= {"diff": found.effect} | reduced(found)
        near |= {"icc": correlation(summaries), "se": found.stderr}
    return required, near


def bounded(units: list[FloatArray], at: float) -> tuple[Points, Shares, FloatArray]:
    """The quantile of all events of a variant, its shares, and q, low and high."""
    events = np.concatenate(units)
    q = np.quantile(events, at, method="inverted_cdf")
    counts = np.array([[np.sum(each <= q), len(each)] for each in units], dtype=np.float64)
    shares = probabilities(Moments.of(counts), at)
    read = np.quantile(events, [at, shares.low[0], shares.high[0]], method="inverted_cdf")
    points = quantile_points(read[:1], read[1:2], read[2:], shares, Z)
    return points, shares, read


def quantile(case: Case) -> tuple[Answers, Answers]:
    required: Answers = {}
    points = {}
    for variant in VARIANTS:
        units = [
            np.array(row["ms"].split(), dtype=np.float64)
            for row in rows(case.inputs["file"])
            if row["variant"] == variant
        ]
        points[variant], shares, (q, low, high) = bounded(units, case.inputs["quantile"])
        stderr = np.sqrt(points[variant].variance)
        alone = shares.stderr / np.sqrt(shares.design_effect)
        found = {"n": sum(len(each) for each in units), "clusters": len(units), "q": q, "se": stderr}
        found |= {"se_F_cluster": shares.stderr, "deff": shares.design_effect, "se_F_iid": alone}
        found |= {"ci_low": low, "ci_high": high}
        required |= {f"{variant}.{key}": value for key, value in found.items()}
        required[f"cluster_bootstrap_se_{variant}"] = stderr
    ours = one(difference(points["control"], points["treatment"], level=0.95))
    required |= {"diff": ours.effect, "se_diff": ours.stderr, "cluster_bootstrap_se_diff": ours.stderr}
    return required, {key: value for key, value in required.items() if "." in key}


def published(case: Case) -> tuple[Answers, Answers]:
    """From the case's own q; its bounds were read for independent events, so that ours cannot be."""
    q = [case.inputs[variant]["quantile_hat"] for variant in VARIANTS]
    return {}, {"diff": q[1] - q[0]}


def types(case: Case) -> tuple[Answers, Answers]:
    """The quantile as the engine reads it."""
    path, at = FOLDER / case.inputs["file"], case.inputs["quantile"]
    query = "select quantile_disc(revenue, ?::double), count(*) from read_csv(?)"
    with duckdb.connect() as connection:
        found = connection.execute(query, [at, str(path)]).fetchone()
    assert found is not None
    assert found[1] == case.inputs["n"]
    return {"type1": found[0]}, {"type1": found[0]}


def many(case: Case) -> tuple[Answers, Answers]:
    treated = [moments_of(each) for each in case.inputs["treatments"].values()]
    control = means(Moments.stacked([moments_of(case.inputs["control"])] * len(treated)))
    plain: Estimates = difference(control, means(Moments.stacked(treated)), level=0.95)
    loadings = np.sqrt(control.variance) / plain.stderr
    t, dof = plain.effect / plain.stderr, float(plain.dof.min())
    reach = dunnett_critical(loadings, level=0.95, dof=dof)
    required = {
        "estimate": plain.effect,
        "se": plain.stderr,
        "t": t,
        "p_single_step": dunnett_p(t, loadings, dof=dof),
        "critical_value": reach,
        "ci_low": plain.effect - reach * plain.stderr,
        "ci_high": plain.effect + reach * plain.stderr,
    }
    return required, {}
