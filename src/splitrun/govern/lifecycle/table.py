"""States and verbs: where each step leads, who may take it, and what must hold. Nothing else decides it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from splitrun.store.registry.documents import State

__all__ = ["HOLDS", "MAY", "OPEN", "STANDING", "STEPS", "Part", "Rule", "Verb"]


class Verb(StrEnum):
    """A step in the life of an experiment, by the name it has on the command line."""

    REGISTER = "register"
    SIGN_OFF = "sign-off"
    APPROVE = "approve"
    AMEND = "amend"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    OBSERVE = "observe"
    STOP = "stop"
    DECIDE = "decide"
    RESTART = "restart"
    ARCHIVE = "archive"
    INVALIDATE = "invalidate"


class Part(StrEnum):
    """Who somebody is in a project."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    EXPERIMENTER = "experimenter"
    APPROVER = "approver"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Rule(StrEnum):
    """What must hold for a step; refusals carry its name, `docs/lifecycle.md` its sentence."""

    OPEN = "open"
    REASON = "reason"
    DEFINED = "defined"
    APPLIED = "applied"
    TESTABLE = "testable"
    POLICY = "policy"
    UNEXPOSED = "unexposed"
    SIGNED_OFF = "signed_off"
    APPROVED = "approved"
    OTHERS = "others"
    NAMED = "named"
    THIS_PLAN = "this_plan"
    CHANGED = "changed"
    FIXED = "fixed"
    GROWING = "growing"
    LOOKED = "looked"

    @property
    def says(self) -> str:
        """The rule in a sentence."""
        return SENTENCES[self]


SENTENCES: Mapping[Rule, str] = {
    Rule.OPEN: "the table has this step in this state",
    Rule.REASON: "somebody is named who does it, and says why",
    Rule.DEFINED: "the registry holds the experiment, with an objective, without mistakes",
    Rule.APPLIED: "the files at hand say the same as the registry of all that the plan uses",
    Rule.TESTABLE: "the plan can come out more than one way, and has the size for it",
    Rule.POLICY: "the project's policy is kept, or a waiver with a reason stands in the plan",
    Rule.UNEXPOSED: "no exposure is there yet, or `--late REASON` says so for ever",
    Rule.SIGNED_OFF: "everybody who must sign off has signed off the digest of the plan in force",
    Rule.APPROVED: "as many others as the policy wants have approved this digest for this step",
    Rule.OTHERS: "nobody agrees to what they sealed or do themselves",
    Rule.NAMED: "who signs off is named in the plan, among `signoffs` or `reviewers`",
    Rule.THIS_PLAN: "the digest that is agreed to is the one that stands now",
    Rule.CHANGED: "something differs from the plan in force",
    Rule.FIXED: "weights, variants, salt, unit, flag and layer of what was started stay as they are",
    Rule.GROWING: "coverage of what was started only grows",
    Rule.LOOKED: "the readout is one that was recorded as a look",
}

_LOCKED = frozenset({Verb.SIGN_OFF, Verb.APPROVE, Verb.AMEND})
"""Steps that leave an experiment in its state."""


def _row(state: State, staying: frozenset[Verb] = _LOCKED, **to: State) -> Mapping[Verb, State]:
    """A row of the table: what stays, and where the other steps lead."""
    return {verb: state for verb in Verb if verb in staying} | {Verb(name): end for name, end in to.items()}


# fmt: off
STEPS: Mapping[State, Mapping[Verb, State]] = {
    State.DRAFT:      _row(State.DRAFT, frozenset(),
                           register=State.REGISTERED),
    State.REGISTERED: _row(State.REGISTERED,
                           start=State.RUNNING, archive=State.ARCHIVED),
    State.RUNNING:    _row(State.RUNNING,
                           pause=State.PAUSED, observe=State.OBSERVING, stop=State.STOPPED,
                           restart=State.REGISTERED, invalidate=State.INVALID),
    State.PAUSED:     _row(State.PAUSED,
                           resume=State.RUNNING, observe=State.OBSERVING, stop=State.STOPPED,
                           restart=State.REGISTERED, invalidate=State.INVALID),
    State.OBSERVING:  _row(State.OBSERVING,
                           stop=State.STOPPED, restart=State.REGISTERED, invalidate=State.INVALID),
    State.STOPPED:    _row(State.STOPPED, frozenset({Verb.APPROVE}),
                           decide=State.DECIDED, restart=State.REGISTERED, invalidate=State.INVALID),
    State.DECIDED:    _row(State.DECIDED, frozenset({Verb.APPROVE}),
                           decide=State.DECIDED, restart=State.REGISTERED, archive=State.ARCHIVED,
                           invalidate=State.INVALID),
    State.ARCHIVED:   _row(State.ARCHIVED, frozenset(), invalidate=State.INVALID),
    State.INVALID:    _row(State.INVALID, frozenset(), restart=State.REGISTERED),
}
# fmt: on
"""Where each step leads from each state; a step that is not there is refused."""

_DOING = (Part.EXPERIMENTER, Part.ADMIN)
_BRAKING = (Part.ANALYST, Part.EXPERIMENTER, Part.APPROVER, Part.ADMIN)

MAY: Mapping[Verb, tuple[Part, ...]] = {
    Verb.REGISTER: _DOING,
    Verb.SIGN_OFF: _BRAKING,
    Verb.APPROVE: (Part.APPROVER, Part.ADMIN),
    Verb.AMEND: _DOING,
    Verb.START: _DOING,
    Verb.PAUSE: _BRAKING,
    Verb.RESUME: _DOING,
    Verb.OBSERVE: _DOING,
    Verb.STOP: _BRAKING,
    Verb.DECIDE: _DOING,
    Verb.RESTART: _DOING,
    Verb.ARCHIVE: _DOING,
    Verb.INVALIDATE: _BRAKING,
}
"""Who may take a step: whoever may only stop something may stop it."""

HOLDS: Mapping[Verb, tuple[Rule, ...]] = {
    Verb.REGISTER: (Rule.DEFINED, Rule.APPLIED, Rule.TESTABLE, Rule.POLICY, Rule.UNEXPOSED),
    Verb.SIGN_OFF: (Rule.NAMED, Rule.OTHERS, Rule.THIS_PLAN),
    Verb.APPROVE: (Rule.OTHERS, Rule.THIS_PLAN),
    Verb.AMEND: (
        Rule.DEFINED,
        Rule.CHANGED,
        Rule.TESTABLE,
        Rule.POLICY,
        Rule.FIXED,
        Rule.GROWING,
        Rule.APPROVED,
        Rule.UNEXPOSED,
    ),
    Verb.START: (Rule.SIGNED_OFF, Rule.APPROVED),
    Verb.PAUSE: (),
    Verb.RESUME: (),
    Verb.OBSERVE: (),
    Verb.STOP: (),
    Verb.DECIDE: (Rule.LOOKED, Rule.APPROVED),
    Verb.RESTART: (Rule.DEFINED, Rule.TESTABLE, Rule.POLICY, Rule.UNEXPOSED),
    Verb.ARCHIVE: (),
    Verb.INVALIDATE: (),
}
"""What must hold besides `open` and `reason`, which every step needs."""

STANDING = frozenset({State.RUNNING, State.PAUSED, State.OBSERVING})
"""States in which units are dealt: the ruleset holds the experiment."""

OPEN = frozenset({State.RUNNING})
"""States in which new units are enrolled."""
