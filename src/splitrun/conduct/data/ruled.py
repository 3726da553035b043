"""The rule that every field which a project keeps has a policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from splitrun.conduct.workspace import PROJECT, contents, shown
from splitrun.errors import Mistake
from splitrun.govern.data.mapped import unpoliced
from splitrun.plan.switches.experiments import cut_by
from splitrun.spec.plan import Plan
from splitrun.spec.reading import read_project

__all__ = ["fields_without_policy"]


def fields_without_policy(root: Path, plans: Iterable[Plan]) -> tuple[Mistake, ...]:
    """Object to fields of a project that have no policy (rule `data_policy`).

    Args:
        root: The project's folder.
        plans: Of its experiments.
    """
    written = read_project(contents(root / PROJECT), shown(root / PROJECT))
    return tuple(unpoliced(written.value, written.document, attributes(plans)))


def attributes(plans: Iterable[Plan]) -> Mapping[str, str]:
    """Name the attributes that experiments on flags are cut by, each with the first of them."""
    found: dict[str, str] = {}
    for plan in plans:
        if plan.delivery.flag is not None:
            for one in plan.segments:
                for name in cut_by(one.segment):
                    found.setdefault(name, plan.key)
    return found
