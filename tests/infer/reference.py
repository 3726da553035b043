"""The reference cases, what we answer to each, and the keys that belong to other estimators.

`python -m tests.infer.reference` writes `docs/cases.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from splitrun.infer.contrast import difference, lift, noninferior
from splitrun.infer.estimate import Estimate, Estimates, Points, Side, Unknown
from splitrun.infer.heterogeneity import cochran
from splitrun.infer.means import means
from splitrun.infer.multiplicity import benjamini_hochberg, benjamini_yekutieli, bonferroni, holm
from splitrun.infer.ratios import ratios
from splitrun.infer.split import chi_square, sequential
from splitrun.moments import Moments
from tests.infer.answers import blocked, clusters, covariate, many, published, quantile, types
from tests.infer.case import CASES, ROOT, Case, numbers, one
from tests.infer.elsewhere import others
from tests.infer.sizes import power, standardised

__all__ = ["CASES", "TABLE", "Case", "answers", "counterparts", "level_points", "table"]

TABLE = ROOT / "docs" / "cases.md"


def moments_of(variant: dict[str, float]) -> Moments:
    """One cell from the sums of a case: a mean (sum, sumsq), a share (x), or a ratio."""
    n = np.array([float(variant["n"])])
    if "sum_num" in variant:
        over, under, cross = variant["sumsq_num"], variant["sumsq_den"], variant["sum_num_den"]
        products = np.array([[[over, cross], [cross, under]]], dtype=np.float64)
        return Moments.from_sums(n, np.array([[variant["sum_num"], variant["sum_den"]]]), products)
    total, squares = variant.get("sum", variant.get("x")), variant.get("sumsq", variant.get("x"))
    return Moments.from_sums(
        n, np.array([[total]], dtype=np.float64), np.array([[[squares]]], dtype=np.float64)
    )


def level_points(inputs: dict[str, Any]) -> tuple[Points, Points]:
    """Control and treatment."""
    if "control_values" in inputs:
        values = (inputs["control_values"], inputs["treatment_values"])
        control, treatment = (means(Moments.of(np.array(each)[:, None])) for each in values)
        return control, treatment
    points = ratios if "sum_num" in inputs["control"] else means
    return points(moments_of(inputs["control"])), points(moments_of(inputs["treatment"]))


def welch(case: Case) -> dict[str, object]:
    control, treatment = level_points(case.inputs)
    side = {"less": Side.UPPER, "greater": Side.LOWER, "both": Side.BOTH}[
        case.inputs.get("alternative", "both")
    ]
    ours = one(difference(control, treatment, level=case.inputs.get("level", 0.95), side=side))
    return {
        "mean_control": control.value,
        "mean_treatment": treatment.value,
        "diff": ours.effect,
        "se": ours.stderr,
        "df": ours.dof,
        "t": ours.effect / ours.stderr,
        "p_value": ours.p,
        "ci_low": -np.inf if ours.low is None else ours.low,
        "ci_high": np.inf if ours.high is None else ours.high,
    }


def proportions(case: Case) -> dict[str, object]:
    return {"diff": one(difference(*level_points(case.inputs), level=case.inputs["level"])).effect}


def relative(case: Case) -> dict[str, object]:
    ours = one(lift(*level_points(case.inputs), level=case.inputs["level"]))
    return {
        "lift": ours.effect,
        "delta_se": ours.stderr,
        "fieller_t_ci_low": ours.low,
        "fieller_t_ci_high": ours.high,
    }


def ratio(case: Case) -> dict[str, object]:
    control, treatment = level_points(case.inputs)
    ours = one(difference(control, treatment, level=case.inputs["level"]))
    raised = one(lift(control, treatment, level=case.inputs["level"]))
    return {
        "ratio_control": control.value,
        "ratio_treatment": treatment.value,
        "se_control": np.sqrt(control.variance),
        "se_treatment": np.sqrt(treatment.variance),
        "diff": ours.effect,
        "se": ours.stderr,
        "z": ours.effect / ours.stderr,
        "p_value": ours.p,
        "ci_low": ours.low,
        "ci_high": ours.high,
        "rel_lift": raised.effect,
        "rel_se_delta": raised.stderr,
    }


def inferior_absolute(case: Case) -> dict[str, object]:
    control, treatment = level_points(case.inputs)
    margin, level = case.inputs["margin"], case.inputs["level"]
    bound = one(difference(control, treatment, level=level, side=Side.LOWER))
    below, above = (
        one(noninferior(control, treatment, margin=margin, relative=False, better_higher=higher, level=level))
        for higher in (True, False)
    )
    p_both = max(below.p, above.p)
    return {
        "diff": bound.effect,
        "se": below.stderr,
        "df": below.dof,
        "t": below.effect / below.stderr,
        "p_noninferior": below.p,
        "lower_bound": bound.low,
        "non_inferior": (below.low or 0.0) > 0,
        "p_tost": p_both,
        "equivalent": p_both < 1 - level,
    }


def inferior_relative(case: Case) -> dict[str, object]:
    control, treatment = level_points(case.inputs)
    margin, level = case.inputs["relative_margin"], case.inputs["level"]
    ours = one(noninferior(control, treatment, margin=margin, relative=True, better_higher=True, level=level))
    bound = one(lift(control, treatment, level=level, side=Side.LOWER))
    return {
        "ratio": 1 + bound.effect,
        "t": ours.effect / ours.stderr,
        "df": ours.dof,
        "p_noninferior": ours.p,
        "ratio_lower_bound": 1 + (bound.low or 0.0),
    }


def split(case: Case) -> dict[str, object]:
    weights = (np.array(case.inputs["weights"]) * 100).round().astype(np.int64)
    ours = chi_square(np.array(case.inputs["observed"]), weights)
    found = {"chisq": ours.statistic, "df": ours.dof, "p_value": ours.p, "expected": ours.expected}
    planned = {"p_value_on_positive_weight_arms": ours.p, "must_flag_unexpected_arm": ours.unplanned > 0}
    return {key: value for key, value in (found | planned).items() if key in case.expected}


def split_by_look(case: Case) -> dict[str, object]:
    weights = (np.array(case.inputs["weights"]) * 100).round().astype(np.int64)
    looks = np.array(case.inputs["counts_per_look"])
    ours = sequential(looks, weights, case.inputs["dirichlet_concentration"])
    return {"log_bayes_factor": ours.log_bayes_factor, "sequential_p": ours.p}


def adjusted(case: Case) -> dict[str, object]:
    p = np.array(case.inputs["p"], dtype=np.float64)
    return {
        "bonferroni": bonferroni(p),
        "holm": holm(p),
        "BH": benjamini_hochberg(p),
        "BY": benjamini_yekutieli(p),
    }


def levels(case: Case) -> Estimates:
    parts = case.inputs["segments"]
    control = means(Moments.stacked([moments_of(part["control"]) for part in parts]))
    treatment = means(Moments.stacked([moments_of(part["treatment"]) for part in parts]))
    return difference(control, treatment, level=0.95)


def heterogeneous(case: Case) -> dict[str, object]:
    ours = levels(case)
    q, dof, p = cochran(ours.effect, ours.stderr)
    return {
        "segment_effects": ours.effect,
        "segment_se": ours.stderr,
        "cochran_Q": q,
        "Q_df": dof,
        "Q_p": p,
        "wald_hc2_chisq": q,
        "wald_hc2_p": p,
    }


def nothing(_: Case) -> dict[str, object]:
    return {}


ANSWERS: dict[str, Callable[[Case], dict[str, object]]] = {
    "welch_t": welch,
    "welch_t_one_sided": welch,
    "winsorized_welch": welch,
    "two_proportions": proportions,
    "two_proportions_ci": nothing,
    "relative_lift": relative,
    "relative_lift_ttest_delta": nothing,
    "ratio_delta": ratio,
    "non_inferiority_abs": inferior_absolute,
    "non_inferiority_relative": inferior_relative,
    "srm_chisq": split,
    "srm_sequential_multinomial": split_by_look,
    "p_adjust": adjusted,
    "segment_heterogeneity_test": heterogeneous,
}
"""What our estimators answer to the keys they stand for; test_cases holds the edge contracts."""


BOTH: dict[str, Callable[[Case], tuple[dict[str, object], dict[str, object]]]] = {
    "cuped_single": covariate,
    "regression_adjustment_multi": covariate,
    "relative_lift_cuped_exact_delta": covariate,
    "relative_lift_cuped_delta": covariate,
    "post_stratified_mean": blocked,
    "post_stratified_relative": blocked,
    "cluster_robust": clusters,
    "quantile_clustered": quantile,
    "quantile_clustered_gbstats": published,
    "quantile_types": types,
    "dunnett_simultaneous": many,
    "power": power,
    "power_standardised": standardised,
}
"""Of these methods both the answers and what is nearest to other estimators."""


def answers(case: Case) -> dict[str, object]:
    return BOTH[case.method](case)[0] if case.method in BOTH else ANSWERS[case.method](case)


def counterparts(case: Case) -> dict[str, object]:
    """Our numbers nearest to those of other estimators, by the names used in `elsewhere`."""
    if case.method in BOTH:
        return BOTH[case.method](case)[1]
    match case.method:
        case "srm_chisq":
            return {"split p": split(case)["p_value"]} if "p_value" in case.expected else {}
        case "p_adjust":
            return {"holm": adjusted(case)["holm"]}
        case "segment_heterogeneity_test":
            p, found = levels(case).p, heterogeneous(case)
            near = {"segment p": p, "segment holm": holm(p), "segment bh": benjamini_hochberg(p)}
            return near | {"q": found["cochran_Q"], "q p": found["Q_p"]}
        case _:
            return compared(case)


def compared(case: Case) -> dict[str, object]:
    level = case.inputs.get("level", 1 - case.inputs.get("alpha", 0.05))
    control, treatment = level_points(case.inputs)
    ours = one(difference(control, treatment, level=level))
    absolute: dict[str, object] = {
        "t squared": (ours.effect / ours.stderr) ** 2,
        "p": ours.p,
        "low": ours.low,
        "high": ours.high,
        "interval": [ours.low, ours.high],
    }
    return absolute | raised(lift(control, treatment, level=level).cell(0))


def raised(cell: Estimate | Unknown) -> dict[str, object]:
    if isinstance(cell, Unknown):
        return {}
    low, high = cell.low or 0.0, cell.high or 0.0
    return {
        "ratio": 1 + cell.effect,
        "ratio low": 1 + low,
        "ratio high": 1 + high,
        "ratio interval": [1 + low, 1 + high],
        "lift": cell.effect,
        "lift stderr": cell.stderr,
        "lift low": low,
        "lift high": high,
        "lift p": cell.p,
    }


def shown(value: object) -> str:
    return ", ".join(f"{each:.6g}" for each in numbers(value))


def apart(ours: object, theirs: object) -> str:
    got, expected = numbers(ours), numbers(theirs)
    gap = float(np.max(np.abs(got - expected)))
    return "0" if gap <= 1e-9 * float(np.max(np.abs(expected))) else f"{gap:.1e}"


def table() -> str:
    """The page of values that belong to other estimators."""
    lines = [
        "# Reference values of other estimators",
        "",
        "Written by `python -m tests.infer.reference`; a test keeps it fresh. Every other expected value of",
        "`tests/cases/stat_cases.json` is required to agree with ours. Differences are absolute.",
        "",
        "| case | key | ours | theirs | difference | why not ours |",
        "|---|---|---|---|---|---|",
    ]
    for case in CASES:
        elsewhere = others(case)
        near = counterparts(case) if elsewhere else {}
        for key, other in elsewhere.items():
            theirs = case.expected[key]
            if other.near in near:
                ours = near[other.near]
                row = f"{shown(ours)} | {shown(theirs)} | {apart(ours, theirs)}"
            else:
                row = f"none | {shown(theirs)} | -"
            lines.append(f"| {case.id} | {key} | {row} | {other.why} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table())
