"""Decide on an experiment, from a readout that was recorded: as the sealed rule says, or otherwise."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from splitrun.conduct.lifecycle.agreeing import approved
from splitrun.conduct.lifecycle.details import Decided, Details, details_of
from splitrun.conduct.lifecycle.footing import Asked, Footing, footing, refusal
from splitrun.conduct.lifecycle.seals.looked import Look, looks
from splitrun.conduct.lifecycle.taken import Step, Taken, staying, told, written
from splitrun.errors import Mistake, SpecError
from splitrun.govern.lifecycle.table import Rule, Verb
from splitrun.spec.written.fields import suggested
from splitrun.store.canonical import canonical, digest
from splitrun.store.registry.documents import Life

__all__ = ["Call", "decide", "decision_digest"]

OVERRIDE = "override"
"""What the audit chain calls a decision against the sealed rule."""


class Call(StrEnum):
    """What may be decided."""

    SHIP = "ship"
    SHIP_TO_SEGMENT = "ship_to_segment"
    EXTEND = "extend"
    ITERATE = "iterate"
    ROLL_BACK = "roll_back"
    ABANDON = "abandon"


def decide(key: str, decision: str, readout: str, wanted: Asked, *, segment: str | None = None) -> Taken:
    """Record a decision, with the readout that it rests on.

    Where the sealed rule decided otherwise at that look, it is an override, and the audit chain calls it so.
    Where that look judged no primary metric, as a blinded one, the decision is told as one without a verdict.

    Args:
        key: The experiment.
        decision: One of `Call`.
        readout: Digest of a readout that was recorded as a look at this version.
        wanted: Who asks, where and why.
        segment: A declared segment; with `ship_to_segment`, and only there.

    Raises:
        RefusedError: The table does not allow it, there is no such look, or approvals are missing.
        SpecError: There is no such decision, segment or experiment.
        ConflictError: Somebody was faster.
        StoreError: The registry refuses.
    """
    with footing(wanted, Verb.DECIDE) as ground:
        call = known(decision)
        before = ground.repeated(key, Verb.DECIDE)
        if before is not None and same(details_of(before), call, readout, segment):
            return told(ground, Verb.DECIDE, before)
        life, to = ground.moved(key, Verb.DECIDE)
        sealed, plan = ground.in_force(life)
        cut(call, segment, tuple(one.key for one in plan.segments))
        look = looked(ground, life, readout)
        one = decision_digest(call, look.readout, sealed.digest, segment)
        approved(ground, life, "decide", one, (plan.owner,))
        override = look.decision is not None and look.decision != call.value
        decided = Decided(call.value, look.readout, override, segment, unjudged=not look.judged)
        after = replace(staying(life), state=to)
        details = Details(Verb.DECIDE.value, ground.reason, details_of(life).agreed, decided)
        content = {
            "decision": call.value,
            "readout": look.readout,
            "rule": look.decision,
            "judged": look.judged,
            **({} if segment is None else {"segment": segment}),
        }
        said = OVERRIDE if override else Verb.DECIDE.value
        return written(ground, Step(Verb.DECIDE, key, life, after, plan, details, dict(content), said))


def same(details: Details, call: Call, readout: str, segment: str | None) -> bool:
    """Whether this very decision was recorded."""
    one = details.decided
    return one is not None and (one.decision, one.readout, one.segment) == (call.value, readout, segment)


def known(decision: str) -> Call:
    """Read a decision.

    Raises:
        SpecError: There is none of this name.
    """
    named = {one.value: one for one in Call}
    if decision not in named:
        says = f"{decision[:40]!r} is no decision"
        raise SpecError([Mistake(says, suggested(decision, named), "--decision")])
    return named[decision]


def cut(call: Call, segment: str | None, declared: tuple[str, ...]) -> None:
    """A segment is named where one is shipped to, and is one of the plan's.

    Raises:
        SpecError: It is missing, not declared, or stands where none belongs.
    """
    if (call is Call.SHIP_TO_SEGMENT) != (segment is not None):
        says = f"{call.value} {'names no segment' if segment is None else 'takes no segment'}"
        raise SpecError([Mistake(says, "write --decision ship_to_segment --segment NAME", "--segment")])
    if segment is not None and segment not in declared:
        says = f"{segment[:60]!r} is no segment of the sealed plan"
        raise SpecError([Mistake(says, suggested(segment, declared), "--segment")])


def looked(ground: Footing, life: Life, readout: str) -> Look:
    """Give the look whose readout a decision rests on.

    Raises:
        RefusedError: None of the looks at this version had such a readout.
    """
    found = looks(ground, life)
    for one in reversed(found):
        if one.readout == readout:
            return one
    says = f"{readout[:80]!r} is the digest of no readout of {life.experiment}, version {life.version}"
    newest = f"the newest is {found[-1].readout}; or " if found else ""
    raise refusal(Rule.LOOKED, says, f"{newest}take a look: splitrun readout {life.experiment}")


def decision_digest(call: Call, readout: str, plan: str, segment: str | None = None) -> str:
    """Give the digest of a decision: by this people approve it."""
    return digest(canonical({"decision": call.value, "plan": plan, "readout": readout, "segment": segment}))
