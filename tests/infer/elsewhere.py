"""Expected values of the reference cases that belong to other estimators, and what of ours is nearest."""

from __future__ import annotations

from dataclasses import dataclass

from tests.infer.case import Case

__all__ = ["Other", "others"]


@dataclass(frozen=True)
class Other:
    """Why a key is not ours, and which of our numbers stands nearest ("" for none)."""

    why: str
    near: str = ""


POOLED = "z test with the pooled variance; ours is Welch's t, where p and interval never disagree"
EXACT = "exact or corrected for continuity; ours is Welch's t on the mean of zeros and ones"
WALD = "the same difference with divisor n and a normal quantile; ours has n - 1 and t"
SCORE = "a score interval; ours is Welch's. A score interval for small counts is not built"
ONE_ARM = "an interval for one variant's share; not shown"
ODDS = "odds ratio; not built"
RISK_LOG = "log-scale interval of the ratio; ours is Fieller's"
SAME_POINT = "the same point; we show it only where Fieller bounds it"
STEP_UP = "another adjustment; weighted Bonferroni decides and Holm's p is shown"
ONE_SLOPE = "one slope for both variants; ours has one per variant (Lin 2013)"
HC2 = "Lin with HC2 errors and N - 2k - 2 degrees of freedom; ours needs no second pass"
TOTAL = "the same with the covariates' variance over both variants together; ours is within variants"
OWN_STRATUM = "a variance per stratum; ours has one per variant, from the same fit as any covariate"
FREE_SHARES = "a variance per stratum, and of the strata's shares; ours has one per variant, from Lin's fit"
PRECISION = "weights by precision, which is another effect where effects differ between strata"
UNADJUSTED_BASE = "one slope for both variants, over control's unadjusted mean; ours is Lin's, adjusted"
CLUSTERED = "another estimator of the cluster-robust variance; ours is CR2"
NESTED = "CR2, which needs every cluster's size; ours, where no cluster holds both, is the ratio of totals"
REML = "by restricted likelihood; ours by the analysis of variance, mean of both variants"
INTERPOLATED = "another type of quantile; ours is type 1, a value that was seen"
ALONE = "as if events were independent; ours counts units"
THRESHOLD = "the cap is measured from rows (type 7); this case starts from capped sums"
PEER = "delta method with the degrees of freedom of the absolute difference; ours is Fieller's"

POOLED_NULL = "with the pooled variance under the null; ours is unpooled, as the effect will be analysed"
ARCSINE = "Cohen's arcsine transformation; ours is the difference of shares, as it will be analysed"

ADJUSTED: dict[str, Other] = {
    "theta_total": Other(ONE_SLOPE),
    "theta_within": Other(ONE_SLOPE),
    "cuped_diff": Other(ONE_SLOPE, "diff"),
    "cuped_se": Other(ONE_SLOPE, "se"),
    "cuped_p_welch": Other(ONE_SLOPE, "p"),
    "cuped_ci_low": Other(ONE_SLOPE, "low"),
    "cuped_ci_high": Other(ONE_SLOPE, "high"),
    "variance_reduction": Other(ONE_SLOPE, "reduction"),
    "ancova_diff": Other(ONE_SLOPE, "diff"),
    "ancova_se_ols": Other(ONE_SLOPE, "se"),
    "ancova_se_hc0": Other(ONE_SLOPE, "se"),
    "ancova_se_hc1": Other(ONE_SLOPE, "se"),
    "ancova_se_hc2": Other(ONE_SLOPE, "se"),
    "ancova_se_hc3": Other(ONE_SLOPE, "se"),
    "lin_gram_se_superpop": Other(TOTAL, "se"),
    "lin_df": Other(HC2, "dof"),
    "lin_p": Other(HC2, "p"),
    "lin_ci_low": Other(HC2, "low"),
    "lin_ci_high": Other(HC2, "high"),
}

ELSEWHERE: dict[str, dict[str, Other]] = {
    "two_proportions": {
        "pooled_chisq": Other(POOLED, "t squared"),
        "p_pooled_z": Other(POOLED, "p"),
        "p_yates": Other(EXACT, "p"),
        "ci_wald_unpooled_low": Other(WALD, "low"),
        "ci_wald_unpooled_high": Other(WALD, "high"),
        "p_fisher": Other(EXACT, "p"),
        "odds_ratio_cmle": Other(ODDS),
        "odds_ratio_ci_low": Other(ODDS),
        "odds_ratio_ci_high": Other(ODDS),
        "wilson_control_low": Other(ONE_ARM),
        "wilson_control_high": Other(ONE_ARM),
        "wilson_treatment_low": Other(ONE_ARM),
        "wilson_treatment_high": Other(ONE_ARM),
        "newcombe_low": Other(SCORE, "low"),
        "newcombe_high": Other(SCORE, "high"),
        "risk_ratio": Other(SAME_POINT, "ratio"),
        "rr_log_ci_low": Other(RISK_LOG, "ratio low"),
        "rr_log_ci_high": Other(RISK_LOG, "ratio high"),
    },
    "two_proportions_ci": {
        "diff_wald": Other(WALD, "interval"),
        "diff_agresti-caffo": Other(SCORE, "interval"),
        "diff_newcomb": Other(SCORE, "interval"),
        "diff_score": Other(SCORE, "interval"),
        "ratio_log": Other(RISK_LOG, "ratio interval"),
        "ratio_log-adjusted": Other(RISK_LOG, "ratio interval"),
        "ratio_score": Other(SCORE, "ratio interval"),
        "p_score_diff": Other(SCORE, "p"),
        "ci_treatment_wilson": Other(ONE_ARM),
        "ci_treatment_agresti_coull": Other(ONE_ARM),
        "ci_treatment_beta": Other(ONE_ARM),
        "ci_treatment_jeffreys": Other(ONE_ARM),
    },
    "relative_lift": {
        "delta_ci_low": Other("delta-method interval; ours is Fieller's", "lift low"),
        "delta_ci_high": Other("delta-method interval; ours is Fieller's", "lift high"),
        "log_se": Other("standard error of the log ratio; ours is of the ratio", "lift stderr"),
        "log_ci_low": Other(RISK_LOG, "lift low"),
        "log_ci_high": Other(RISK_LOG, "lift high"),
        "fieller_z_ci_low": Other("Fieller with a normal quantile; ours has t", "lift low"),
        "fieller_z_ci_high": Other("Fieller with a normal quantile; ours has t", "lift high"),
    },
    "relative_lift_ttest_delta": {
        "estimate": Other(PEER, "lift"),
        "se": Other(PEER, "lift stderr"),
        "ci_low": Other(PEER, "lift low"),
        "ci_high": Other(PEER, "lift high"),
        "p_value": Other(f"{PEER}, and p from the lower tail", "lift p"),
    },
    "srm_chisq": {"p_exact_binom": Other("exact binomial; ours is the chi-square", "split p")},
    "p_adjust": {
        "hochberg": Other(STEP_UP, "holm"),
        "hommel": Other(STEP_UP, "holm"),
    },
    "segment_heterogeneity_test": {
        "segment_p_normal": Other("normal quantile; ours is Welch's t", "segment p"),
        "segment_p_holm": Other("Holm on the normal p; ours on Welch's", "segment holm"),
        "segment_p_bh": Other("Benjamini-Hochberg on the normal p; ours on Welch's", "segment bh"),
        "pooled_fe": Other("pooled effect over levels; the aggregate is measured itself"),
        "pooled_fe_se": Other("pooled effect over levels; the aggregate is measured itself"),
        "anova_F": Other("equal variances; ours is Cochran's Q, chi-square", "q"),
        "anova_p": Other("equal variances; ours is Cochran's Q, chi-square", "q p"),
    },
    "winsorized_welch": {"threshold": Other(THRESHOLD)},
    "cuped_single": ADJUSTED,
    "regression_adjustment_multi": ADJUSTED,
    "relative_lift_cuped_exact_delta": {
        "theta": Other(ONE_SLOPE),
        "lift_over_unadjusted_control": Other(UNADJUSTED_BASE, "lift"),
        "se": Other(UNADJUSTED_BASE, "lift stderr"),
        "ci_low": Other(f"{UNADJUSTED_BASE}, by Fieller", "lift low"),
        "ci_high": Other(f"{UNADJUSTED_BASE}, by Fieller", "lift high"),
        "lift_over_adjusted_control": Other(ONE_SLOPE, "lift"),
        "se_over_adjusted_control": Other(ONE_SLOPE, "lift stderr"),
    },
    "relative_lift_cuped_delta": {
        "estimate_gbstats": Other(UNADJUSTED_BASE, "lift"),
        "ci_low_gbstats": Other(f"{UNADJUSTED_BASE}, by Fieller", "lift low"),
        "ci_high_gbstats": Other(f"{UNADJUSTED_BASE}, by Fieller", "lift high"),
        "p_value_gbstats": Other(f"{UNADJUSTED_BASE}, and p from the lower tail", "lift p"),
        "se_gbstats": Other(UNADJUSTED_BASE, "lift stderr"),
    },
    "post_stratified_mean": {
        "ps_se_conditional": Other(OWN_STRATUM, "se"),
        "lin_factor_se_hc2": Other(OWN_STRATUM, "se"),
        "block_dim_se": Other(OWN_STRATUM, "se"),
        "fe_ols_diff": Other(PRECISION, "diff"),
        "superpop_se": Other(FREE_SHARES, "se"),
    },
    "post_stratified_relative": {
        "estimate": Other(PEER, "lift"),
        "ci_low": Other(PEER, "lift low"),
        "ci_high": Other(PEER, "lift high"),
        "p_value": Other(f"{PEER}, and p from the lower tail", "lift p"),
        "se": Other(PEER, "lift stderr"),
    },
    "cluster_robust": {
        "se_ols": Other("no clusters; ours counts them", "se"),
        "se_cr0": Other(CLUSTERED, "se"),
        "se_cr1_sandwich_HC1": Other(CLUSTERED, "se"),
        "se_cr1s_stata": Other(CLUSTERED, "se"),
        "icc_lmer": Other(REML, "icc"),
        "se_cr2": Other(NESTED, "se_cr2"),
        "df_satterthwaite": Other(NESTED, "df_satterthwaite"),
        "p_cr2": Other(NESTED, "p_cr2"),
        "ci_low_cr2": Other(NESTED, "ci_low_cr2"),
        "ci_high_cr2": Other(NESTED, "ci_high_cr2"),
        "se_cr2_clubSandwich": Other(NESTED, "se_cr2_clubSandwich"),
        "df_clubSandwich": Other(NESTED, "df_clubSandwich"),
    },
    "quantile_clustered": {
        f"{variant}.{key}": Other(why, f"{variant}.{near}")
        for variant in ("control", "treatment")
        for key, why, near in (
            ("q_type7", INTERPOLATED, "q"),
            ("ci_low_iid", ALONE, "ci_low"),
            ("ci_high_iid", ALONE, "ci_high"),
        )
    },
    "quantile_clustered_gbstats": {
        key: Other(
            "the interval of independent events, widened by the design effect; ours is Woodruff's", near
        )
        for key, near in (
            ("estimate", "diff"),
            ("ci_low", "low"),
            ("ci_high", "high"),
            ("p_value", "p"),
            ("se", "se"),
            ("var_control", ""),
            ("var_treatment", ""),
        )
    },
    "power": {
        "n_per_arm_powerprop": Other(POOLED_NULL, "n"),
        "n_per_arm_arcsine": Other(ARCSINE, "n"),
    },
    "quantile_types": {f"type{each}": Other(INTERPOLATED, "type1") for each in range(2, 10)},
}
"""Keys of other estimators by method: reported, not required."""


def others(case: Case) -> dict[str, Other]:
    """The expected keys of a case that are not ours."""
    found = {key: other for key, other in ELSEWHERE.get(case.method, {}).items() if key in case.expected}
    if "file" in case.inputs:
        # every cluster is there: CR2 is ours
        return {key: other for key, other in found.items() if other.why != NESTED}
    return found
