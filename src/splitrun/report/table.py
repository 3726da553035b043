"""A readout as a flat table, one row per comparison, for those who go on computing."""

from __future__ import annotations

import pyarrow as pa

from splitrun.infer.estimate import Estimate, Unknown
from splitrun.judge.readout import Comparison, Part, Readout
from splitrun.judge.sentences import held_back

__all__ = ["COLUMNS", "table"]

Cell = str | float | int | bool | None

COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "experiment": (pa.string(), "key of the experiment"),
    "metric": (pa.string(), "key of the metric"),
    "role": (pa.string(), "primary, guardrail, secondary or diagnostic"),
    "variant": (pa.string(), "the treatment that is compared with control"),
    "segment": (pa.string(), "key of the segment; null over all units"),
    "level": (pa.string(), "level of the segment; null over all units"),
    "control_units": (pa.int64(), "units of control that count"),
    "control_exposed": (pa.int64(), "units of control, matured or not"),
    "control_mean": (pa.float64(), "control's level of the metric"),
    "treatment_units": (pa.int64(), "units of the treatment that count"),
    "treatment_exposed": (pa.int64(), "units of the treatment, matured or not"),
    "treatment_mean": (pa.float64(), "the treatment's level of the metric"),
    "effect": (pa.float64(), "treatment less control, in the metric's unit"),
    "effect_stderr": (pa.float64(), "standard error of the effect"),
    "effect_low": (pa.float64(), "low end of its interval; null where unbounded or unknown"),
    "effect_high": (pa.float64(), "high end of its interval; null where unbounded or unknown"),
    "effect_unknown": (pa.string(), "why there is no effect; null where there is one"),
    "lift": (pa.float64(), "effect as a fraction of control"),
    "lift_stderr": (pa.float64(), "standard error of the lift"),
    "lift_low": (pa.float64(), "low end of its interval; null where unbounded or unknown"),
    "lift_high": (pa.float64(), "high end of its interval; null where unbounded or unknown"),
    "lift_unknown": (pa.string(), "why there is no lift; null where there is one"),
    "interval_level": (pa.float64(), "how often the intervals hold the true value"),
    "interval_side": (pa.string(), "which ends of the intervals are bounded: both, lower, upper"),
    "interval_kind": (pa.string(), "what the intervals promise: fixed, group_sequential, always_valid"),
    "p": (pa.float64(), "p of the test behind the verdict"),
    "p_adjusted": (pa.float64(), "p over primaries or secondaries x treatments; null elsewhere"),
    "p_adjustment": (pa.string(), "how: bonferroni, holm, bh, by or dunnett; null where it is not"),
    "variance_reduction": (pa.float64(), "part of the variance that adjustment took away; null without"),
    "unadjusted_effect": (pa.float64(), "effect without adjustment; null without one"),
    "uncapped_effect": (pa.float64(), "effect without the cap; null without one"),
    "design_effect": (pa.float64(), "how many times clusters make the variance; null without clusters"),
    "verdict": (pa.string(), "better, worse, equivalent, inconclusive, invalid or exploratory"),
    "guardrail": (pa.string(), "holds, breached, unproven, no_harm_seen; null where no guardrail"),
    "says": (pa.string(), "the sentence that defends the verdict"),
    "registered": (pa.bool_(), "whether it is as a plan has it that was sealed before the first exposure"),
    "exploratory": (pa.string(), "the fields that are not as sealed; null where it is as sealed"),
    "suppressed": (pa.string(), "why the level is not shown; null where it is"),
}
"""Every column with its type and meaning; the meaning is in the field's metadata as well."""


def table(readout: Readout) -> pa.Table:
    """One row per comparison, in the order of the readout."""
    fields = [
        pa.field(name, kind, metadata={"describe": meaning}) for name, (kind, meaning) in COLUMNS.items()
    ]
    rows = [flat(readout.plan.key, found) for found in readout.comparisons]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def flat(experiment: str, found: Comparison) -> dict[str, Cell]:
    """One comparison as a flat row."""
    return {
        "experiment": experiment,
        "metric": found.metric,
        "role": found.role.value,
        "variant": found.variant,
        "segment": found.segment,
        "level": found.level,
        "control_units": found.control.units,
        "control_exposed": found.control.exposed,
        "control_mean": found.control.mean,
        "treatment_units": found.treatment.units,
        "treatment_exposed": found.treatment.exposed,
        "treatment_mean": found.treatment.mean,
        **numbers("effect", found.absolute),
        **numbers("lift", found.relative),
        **promise(found.absolute),
        "p": found.p,
        "p_adjusted": found.p_adjusted,
        "p_adjustment": None if found.p_adjustment is None else found.p_adjustment.value,
        "variance_reduction": None if found.adjusted is None else found.adjusted.reduction,
        "unadjusted_effect": effect_of(None if found.adjusted is None else found.adjusted.unadjusted),
        "uncapped_effect": effect_of(None if found.capped is None else found.capped.uncapped),
        "design_effect": found.design_effect,
        "verdict": found.verdict.value,
        "guardrail": None if found.guardrail is None else found.guardrail.value,
        "says": found.says,
        "registered": found.registered,
        "exploratory": ", ".join(found.exploratory) or None,
        "suppressed": None if found.suppressed is None else held_back(found.suppressed),
    }


def effect_of(found: Part | None) -> float | None:
    """The effect of a part; none where there is no part, or no number."""
    match found:
        case Part(absolute=Estimate(effect=effect)):
            return effect
        case _:
            return None


def numbers(name: str, found: Estimate | Unknown) -> dict[str, Cell]:
    """The columns of an effect or a lift."""
    match found:
        case Unknown():
            return {f"{name}_unknown": found.says}
        case Estimate():
            return {
                name: found.effect,
                f"{name}_stderr": found.stderr,
                f"{name}_low": found.low,
                f"{name}_high": found.high,
            }


def promise(found: Estimate | Unknown) -> dict[str, Cell]:
    """What both intervals of a comparison promise; they are read at the same level and side."""
    match found:
        case Unknown():
            return {}
        case Estimate():
            return {
                "interval_level": found.level,
                "interval_side": found.side.value,
                "interval_kind": found.kind.value,
            }
