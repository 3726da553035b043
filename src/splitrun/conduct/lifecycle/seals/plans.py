"""A plan out of the registry: resolved, and found fit to be sealed or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from splitrun.conduct.lifecycle.footing import Footing
from splitrun.conduct.planning.kept import informed
from splitrun.errors import Mistake, SpecError
from splitrun.govern.lifecycle.table import Rule
from splitrun.govern.policy.rules import breaches
from splitrun.plan.power.testable import testable
from splitrun.plan.seal import sealed
from splitrun.spec.plan import Plan

__all__ = ["fit", "numbered", "planned"]


def planned(footing: Footing, key: str) -> Plan:
    """Resolve an experiment from what the registry keeps, with what was measured for it.

    Raises:
        SpecError: The registry holds no such experiment, or it has mistakes; all of them.
    """
    draft = footing.says.experiments.get(key)
    if draft is None:
        gone = f"the registry holds no experiment {key[:64]!r} any more"
        raise SpecError([Mistake(gone, "write it into experiments/, then run `splitrun apply`")])
    says = footing.says
    try:
        plan = sealed(draft, says.library, says.project, says.experiments, awaited=True)
    except SpecError as error:
        wrong = [replace(one, says=f"not {Rule.DEFINED.value}: {one.says}") for one in error.mistakes]
        raise SpecError(wrong) from None
    return informed(plan, footing.home.root)


def numbered(plan: Plan, version: int, follows: int | None) -> Plan:
    """Give a plan the version under which its units are dealt, and the one that it follows."""
    delivery = plan.delivery.model_copy(update={"version": version, "follows": follows})
    return plan.model_copy(update={"delivery": delivery})


def fit(footing: Footing, plan: Plan, today: date | None = None) -> None:
    """Refuse a plan that cannot be tested, or breaks the policy without a waiver; everything at once.

    Args:
        footing: The registry.
        plan: What is to be sealed.
        today: The day of sealing; none: units are dealt already, and nobody plans by its baselines any more.

    Raises:
        SpecError: All that is wrong, each with the rule's name.
    """
    site = f"experiments/{plan.key}"
    wrong = [replace(one, says=f"not {Rule.TESTABLE.value}: {one.says}") for one in testable(plan)]
    wrong += [
        Mistake(f"policy `{one.rule}`: {one.says}", one.remedy, one.path)
        for one in breaches(plan, footing.settings, today)
        if one.waiver is None
    ]
    if wrong:
        told = [replace(one, path=f"{site}: {one.path}" if one.path else site) for one in wrong]
        raise SpecError(told)
