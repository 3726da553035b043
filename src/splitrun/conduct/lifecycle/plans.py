"""A plan out of the registry: resolved, held against the files at hand, and found fit to be sealed or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from splitrun.conduct.definitions.kept import written
from splitrun.conduct.lifecycle.footing import Footing, refusal
from splitrun.conduct.planning.kept import informed
from splitrun.errors import Mistake, SpecError
from splitrun.govern.lifecycle.table import Rule
from splitrun.govern.policy.rules import breaches
from splitrun.plan.power.testable import testable
from splitrun.plan.seal import sealed
from splitrun.spec.plan import Plan
from splitrun.store.registry.documents import Kind

__all__ = ["fit", "numbered", "planned", "same_as_files"]


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


def same_as_files(footing: Footing, plan: Plan) -> None:
    """Refuse to seal what the files at hand say otherwise, where they name the experiment.

    Raises:
        RefusedError: Which definitions differ.
        SpecError: The files have mistakes.
    """
    files = written(footing.home.root)
    if (Kind.EXPERIMENT, plan.key) not in files:
        return
    kept = {(one.kind, one.key): one.body for one in footing.registry.documents(footing.project)}
    wanted = {*used(plan), *around(footing, plan.key)}
    differing = [
        f"{kind.value} {key}"
        for kind, key in sorted(files.keys() | kept.keys())
        if (kind, key) in wanted and files.get((kind, key)) != kept.get((kind, key))
    ]
    if differing:
        listed = ", ".join(differing)
        says = f"the files differ from the registry in {listed}"
        raise refusal(Rule.APPLIED, says, "look at it with `splitrun diff`, then run `splitrun apply`")


def used(plan: Plan) -> Iterator[tuple[Kind, str]]:
    """Name the definitions that a plan uses by name."""
    yield from ((Kind.METRIC, one.key) for one in plan.metrics)
    yield from ((Kind.SOURCE, one.key) for one in plan.sources)
    yield from ((Kind.SEGMENT, one.key) for one in plan.segments)
    if plan.delivery.flag is not None:
        yield Kind.FLAG, plan.delivery.flag
    if plan.delivery.layer is not None:
        yield Kind.LAYER, plan.delivery.layer


def around(footing: Footing, key: str) -> Iterator[tuple[Kind, str]]:
    """Name the experiments that fill one, and the settings that it is held to."""
    yield from ((kind, footing.project) for kind in (Kind.PROJECT, Kind.POLICY))
    while key in footing.says.experiments:
        yield Kind.EXPERIMENT, key
        key = footing.says.experiments[key].extends


def fit(footing: Footing, plan: Plan) -> None:
    """Refuse a plan that cannot be tested, or breaks the policy without a waiver; everything at once.

    Raises:
        SpecError: All that is wrong, each with the rule's name.
    """
    site = f"experiments/{plan.key}"
    wrong = [replace(one, says=f"not {Rule.TESTABLE.value}: {one.says}") for one in testable(plan)]
    wrong += [
        Mistake(f"policy `{one.rule}`: {one.says}", one.remedy, one.path)
        for one in breaches(plan, footing.settings)
        if one.waiver is None
    ]
    if wrong:
        told = [replace(one, path=f"{site}: {one.path}" if one.path else site) for one in wrong]
        raise SpecError(told)
