"""The sentences that defend verdicts: what moved, from where to where, how surely, and against which line."""

from __future__ import annotations

from collections.abc import Sequence

from splitrun.infer.estimate import Estimate, Unknown, Why
from splitrun.judge.numbers import Scale, level_of
from splitrun.judge.readout import GuardrailOutcome, Outlook, Verdict
from splitrun.judge.rule import Reach, sign
from splitrun.spec.amount import Size
from splitrun.spec.analysis import Mode
from splitrun.spec.plan import PlannedMetric

__all__ = [
    "beside_holm",
    "breached_between",
    "breached_unseen",
    "defended",
    "explored",
    "few",
    "guarded",
    "held_back",
    "kept_back",
    "looking_ahead",
    "moved",
    "named",
    "unread",
    "without_number",
]

MOST = 4
"""Fields that a sentence names."""

SIDES = ("control", "the treatment")


def few(least: int) -> str:
    """How many units are too few to be shown, like `fewer than 10 units`."""
    return f"fewer than {least:,} units"


def held_back(least: int) -> str:
    """Why a level is not shown."""
    return f"withheld: {few(least)}, in a variant of this level or of one that it would give away"


def unread(codes: tuple[str, ...]) -> str:
    """Why no effect may be read."""
    return f"no effect may be read while a stop finding stands: {', '.join(codes)}"


def moved(metric: str, absolute: Estimate, means: tuple[float, float], scale: Scale) -> str:
    """What was seen: `fetched rose by 45.1 pp, from 33.87 % to 78.92 % (95 % interval 41 to 49 pp)`."""
    verb = "did not move" if absolute.effect == 0 else "rose" if absolute.effect > 0 else "fell"
    by = "" if absolute.effect == 0 else f" by {scale.moved(absolute)}"
    return f"{metric} {verb}{by}, {scale.between(*means)} ({level_of(absolute)} {scale.bounds(absolute)})"


def defended(seen: str, absolute: Estimate, verdict: Verdict, size: Reach | None, mei: str | None) -> str:
    """Defend the verdict of a primary, secondary or diagnostic comparison.

    Args:
        seen: What moved, with its interval.
        absolute: The effect itself.
        verdict: What is defended.
        size: How the effect compares with the minimum of interest; None where the plan names none.
        mei: The minimum of interest, for people.
    """
    line = f"the minimum of interest of {mei}"
    if verdict is Verdict.EQUIVALENT:
        clear = "clearly not 0, yet " if sign(absolute) else ""
        return f"{seen}: {clear}smaller than {line} either way"
    if verdict is Verdict.INCONCLUSIVE:
        open_to = f", and effects as large as {line}" if size else ""
        return f"{seen}: the interval holds 0{open_to}"
    if size is Reach.PAST:
        return f"{seen}: {verdict.value} than control by more than {line}"
    still = f"; whether it reaches {line} is open" if size else ""
    return f"{seen}: {verdict.value} than control{still}"


def guarded(seen: str, planned: PlannedMetric, outcome: GuardrailOutcome, margin: Size, scale: Scale) -> str:
    """Defend the outcome of a guardrail."""
    line = f"its margin of {scale.tolerance(margin)}"
    match outcome:
        case GuardrailOutcome.HOLDS:
            return f"{seen}: not worse by more than {line}"
        case GuardrailOutcome.BREACHED:
            return f"{seen}: worse by more than {line}, with the same certainty"
        case GuardrailOutcome.UNPROVEN:
            return f"{seen}: that it is not worse by more than {line} is not proven"
        case GuardrailOutcome.NO_HARM_SEEN:
            watched = planned.guardrail is not None and planned.guardrail.mode is Mode.WATCH
            why = "the plan only watches it" if watched else "in segments only harm is looked for"
            return f"{seen}: no harm beyond {line} was shown; that there is none was not put to proof ({why})"


def breached_between(seen: str, line: str) -> str:
    """Tell of harm that a bound shows which is read at every moment."""
    return f"{seen}: worse by more than its margin of {line}, by the bound that watches it at every moment"


def breached_unseen(metric: str, line: str, unknown: Unknown) -> str:
    """The same where no effect may be shown."""
    return (
        f"{metric} is worse than control by more than its margin of {line}, by the bound that watches it at "
        f"every moment; its effect is not shown: {unknown.says}"
    )


def explored(says: str, fields: Sequence[str]) -> str:
    """Say that an effect explains and decides nothing, and why."""
    return f"exploratory, for {named(fields)} {'is' if len(fields) == 1 else 'are'} not as sealed: {says}"


def named(fields: Sequence[str]) -> str:
    """Name fields, the first few of many."""
    shown = ", ".join(fields[:MOST])
    return shown + (f" and {len(fields) - MOST} more" if len(fields) > MOST else "")


def looking_ahead(says: str, ahead: Outlook) -> str:
    """Add to a verdict's sentence that going on is futile, where it is."""
    if not ahead.futile or ahead.futility is None:
        return says
    return (
        f"{says}; futile: z is {ahead.z:.2f}, below the futility bound of {ahead.futility:.2f}, and it ends "
        f"better with a probability of {ahead.better * 100:.2g} % (nobody is bound to stop)"
    )


def beside_holm(says: str, p_adjusted: float, alpha: float) -> str:
    """Add to a verdict's sentence why it is inconclusive though Holm's p is below alpha."""
    return (
        f"{says}; Holm's p of {p_adjusted:.2g} is below {alpha:g}, but intervals decide, and this one has "
        "Bonferroni's part of alpha, because Holm has no interval of its own"
    )


def kept_back(seen: str, why: str) -> str:
    """Why there is an effect and no verdict."""
    return f"{seen}: {why}"


def without_number(metric: str, unknown: Unknown, tied: Sequence[float] = ()) -> str:
    """Why a comparison has no effect.

    Args:
        metric: Key of the metric.
        unknown: Why it has no number.
        tied: Part of the values that equal a quantile, in control and in the treatment.
    """
    says = f"{metric} has no effect to show: {unknown.says}"
    if unknown.why is not Why.TIED or not tied:
        return says
    parts = " and ".join(
        f"{part:.3g} % in {where}" for part, where in zip((100 * p for p in tied), SIDES, strict=True)
    )
    return f"{says} ({parts} equal it); a share of values beyond a line would tell more"
