"""Expected values of the reference cases that belong to other estimators, and what of ours is nearest."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ELSEWHERE", "Other"]


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
FDR = "false discovery rate; not built yet"
PEER = "delta method with the degrees of freedom of the absolute difference; ours is Fieller's"

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
        "BH": Other(FDR),
        "BY": Other(FDR),
    },
    "segment_heterogeneity_test": {
        "segment_p_normal": Other("normal quantile; ours is Welch's t", "segment p"),
        "segment_p_holm": Other("Holm on the normal p; ours on Welch's", "segment holm"),
        "segment_p_bh": Other(FDR),
        "pooled_fe": Other("pooled effect over levels; the aggregate is measured itself"),
        "pooled_fe_se": Other("pooled effect over levels; the aggregate is measured itself"),
        "anova_F": Other("equal variances; ours is Cochran's Q, chi-square", "q"),
        "anova_p": Other("equal variances; ours is Cochran's Q, chi-square", "q p"),
    },
}
"""Keys of other estimators by method: reported, not required."""
