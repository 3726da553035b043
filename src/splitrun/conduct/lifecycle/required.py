"""How many must approve a step: as the policy says now, and not fewer than when a plan was sealed."""

from __future__ import annotations

from splitrun.conduct.lifecycle.footing import Footing
from splitrun.spec.policy import Approved
from splitrun.store.canonical import value_of
from splitrun.store.registry.documents import Document, Kind

__all__ = ["required"]


def required(ground: Footing, key: str, step: Approved) -> int:
    """Count the people who must approve a step of an experiment.

    Whoever loosens the policy afterwards does not loosen it for what was sealed before: else the one whom it
    binds could take it off.

    Args:
        ground: The registry, and the policy as it is now.
        key: The experiment.
        step: What is to be approved.

    Raises:
        StoreError: The registry refuses.
    """
    revisions = ground.registry.history(ground.project, Kind.POLICY, ground.project)
    asked = [ground.settings.policy.approvals.get(step, 0)]
    for sealed in ground.plans(key):
        known = [one for one in revisions if one.at <= sealed.at]
        asked += [asks(one, step) for one in known[-1:]]
    return max(asked)


def asks(policy: Document, step: Approved) -> int:
    """How many people a revision of the policy asks for."""
    match None if policy.removed else value_of(policy.body):
        case {"approvals": {**counts}}:
            return int(str(counts.get(step, 0)))
        case _:
            return 0
