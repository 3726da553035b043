"""The JSON form of a preview: versioned, documented in docs/plan.md."""

from __future__ import annotations

import json
from dataclasses import asdict

from splitrun.plan.representation.frame import represented
from splitrun.report.forecast.form import form as ahead_of
from splitrun.report.planning.frame import frame_form
from splitrun.report.planning.preview import Preview, Seal, Standing
from splitrun.report.planning.rule import looking, rule_of

__all__ = ["FORM", "preview_form"]

FORM = "splitrun.plan-view/1"
"""Rises when a field goes or changes its meaning; a new field leaves it as it is."""


def preview_form(found: Preview) -> dict[str, object]:
    """A preview as its documented JSON form; null where there is nothing."""
    ahead = found.forecast
    units = None if ahead is None else ahead.planned or ahead.units
    frame = represented(found.plan)
    looks = looking(found.plan, found.start, units)
    return {
        "form": FORM,
        "key": found.plan.key,
        "ready": found.ready,
        "refusals": [{"path": one.path, "says": one.says, "next": one.next} for one in found.refusals],
        "rules": [asdict(rule) for rule in found.rules],
        "waivers": {rule.value: reason for rule, reason in found.plan.waivers.items()},
        "advice": [asdict(one) for one in found.advice],
        "reviewers": list(found.plan.reviewers),
        "signoffs": list(found.plan.signoffs),
        "judged": list(rule_of(found.plan)),
        "start": found.start.isoformat(),
        "looks": [{"look": int(one[0]), "after": one[1], "on": one[2]} for one in looks],
        "forecast": None if ahead is None else ahead_of(ahead),
        "baselines": {"file": found.file, "age_days": found.age},
        "frame": None if frame is None else frame_form(frame),
        "registry": None if found.standing is None else standing(found.standing),
        "digest": found.digest,
        "plan": json.loads(found.canonical),
    }


def standing(found: Standing) -> dict[str, object]:
    """What the registry holds."""
    return {
        "name": found.registry,
        "applied": found.applied,
        "unread": found.unread,
        "differs": [asdict(one) for one in found.differs],
        "states": dict(found.states),
        "sealed": None if found.seal is None else seal(found.seal),
    }


def seal(found: Seal) -> dict[str, object]:
    """The plan that is sealed already."""
    return {
        "digest": found.digest,
        "version": found.version,
        "amendment": found.amendment,
        "at": found.at.isoformat(),
        "actor": found.actor,
        "deviations": [asdict(one) for one in found.deviations],
    }
