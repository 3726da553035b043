"""Units that are not counted because people asked for it: erased, or opted out."""

from __future__ import annotations

from splitrun.check.evidence import Evidence, Finding, Severity
from splitrun.check.words import counted
from splitrun.moments import IntArray
from splitrun.spec.plan import Plan

__all__ = ["by_variant", "erased"]


def erased(evidence: Evidence) -> Finding | None:
    """Count the units of the experiment that were erased or opted out, by variant."""
    found = evidence.measured.erased
    if found is None or not (found.all.sum() or (found.since and found.since[1])):
        return None
    says = []
    if found.units.sum():
        units = counted(int(found.units.sum()), "unit")
        says.append(f"{units} of this experiment erased ({by_variant(evidence.plan, found.units)})")
    if found.left_out.sum():
        units = counted(int(found.left_out.sum()), "unit")
        says.append(f"{units} opted out or about to be erased ({by_variant(evidence.plan, found.left_out)})")
    if found.since is not None:
        look, units_since = found.since
        says.append(
            f"{units_since:,} units of the lake erased since look {look}, and nothing else of it is gone"
        )
    return Finding(
        code="erased",
        severity=Severity.NOTE,
        says=f"{'; '.join(says)}: none of them is counted",
        next="nothing; `splitrun audit log` shows the certificates of erasures",
    )


def by_variant(plan: Plan, units: IntArray) -> str:
    """Write units by variant."""
    return ", ".join(f"{one.key} {count:,}" for one, count in zip(plan.variants, units, strict=True))
