"""Sign-offs and approvals: each by a person, bound to one digest, void as soon as that changes."""

from __future__ import annotations

import re

from splitrun.conduct.lifecycle.details import Agreement, Details, details_of
from splitrun.conduct.lifecycle.footing import Asked, Footing, footing, refusal
from splitrun.conduct.lifecycle.required import required
from splitrun.conduct.lifecycle.taken import Step, Taken, staying, told, written
from splitrun.errors import Mistake, SpecError
from splitrun.govern.lifecycle.asking import command
from splitrun.govern.lifecycle.table import Rule, Verb
from splitrun.govern.people import person
from splitrun.spec.policy import Approved
from splitrun.spec.written.fields import suggested
from splitrun.store.canonical import as_text
from splitrun.store.registry.documents import Life

__all__ = ["APPROVED", "agreed_to_start", "approve", "approved", "sign_off"]

APPROVED = (Verb.START, Verb.AMEND, Verb.DECIDE)
"""Steps that people approve."""

SIGN_OFF = Verb.SIGN_OFF.value

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def sign_off(key: str, digest: str, wanted: Asked) -> Taken:
    """Sign off the plan in force, by its digest.

    Raises:
        RefusedError: It is another plan, they are not named in it, or they sealed it themselves.
        SpecError: There is no such experiment, or this is no digest.
        ConflictError: Somebody was faster.
        StoreError: The registry refuses.
    """
    with footing(wanted, Verb.SIGN_OFF) as ground:
        life, _ = ground.moved(key, Verb.SIGN_OFF)
        sealed, plan = ground.in_force(life)
        this_plan(key, whole(digest), sealed.digest)
        if person(ground.actor) not in map(person, (*plan.signoffs, *plan.reviewers)):
            named = ", ".join((*plan.signoffs, *plan.reviewers)) or "nobody"
            says = f"{ground.actor} is not asked to sign off {key}; asked is {named}"
            remedy = "name them under `signoffs` or `reviewers` and register or amend, or act as one of them"
            raise refusal(Rule.NAMED, says, remedy)
        other(ground.actor, sealed.actor, f"sealed the plan of {key}")
        return agreed(ground, life, Verb.SIGN_OFF, Agreement(SIGN_OFF, sealed.digest, ground.actor, ""))


def approve(key: str, step: str, digest: str, wanted: Asked) -> Taken:
    """Approve one step of what has this digest: `start` and `amend` of a plan, `decide` of a decision.

    Raises:
        RefusedError: What stands now has another digest, or they sealed it themselves or own the experiment.
        SpecError: There is no such experiment or step, or this is no digest.
        ConflictError: Somebody was faster.
        StoreError: The registry refuses.
    """
    known = [one.value for one in APPROVED]
    if step not in known:
        raise SpecError([Mistake(f"{step[:40]!r} is no step that is approved", suggested(step, known))])
    with footing(wanted, Verb.APPROVE) as ground:
        life, _ = ground.moved(key, Verb.APPROVE)
        asked = whole(digest)
        sealed, plan = ground.in_force(life)
        if step == Verb.START.value:
            this_plan(key, asked, sealed.digest)
            other(ground.actor, sealed.actor, f"sealed the plan of {key}")
        other(ground.actor, plan.owner, f"owns {key}")
        return agreed(ground, life, Verb.APPROVE, Agreement(step, asked, ground.actor, ""))


def whole(digest: str) -> str:
    """Give a digest.

    Raises:
        SpecError: This is none.
    """
    if not DIGEST.fullmatch(digest):
        says = f"{digest[:80]!r} is no digest"
        raise SpecError([Mistake(says, "write it whole, like sha256: and 64 hexadecimal digits", "--digest")])
    return digest


def this_plan(key: str, digest: str, stands: str) -> None:
    """Refuse a digest of something else than stands.

    Raises:
        RefusedError: It is another.
    """
    if digest != stands:
        says = f"{digest[:19]}… is not the plan of {key} that is in force, which is {stands}"
        raise refusal(Rule.THIS_PLAN, says, f"read that one, with splitrun status {key}, and agree to it")


def other(actor: str, author: str | None, did: str) -> None:
    """Refuse that somebody agrees to their own work.

    Raises:
        RefusedError: They are the same.
    """
    if author is not None and person(actor) == person(author):
        raise refusal(Rule.OTHERS, f"{actor} {did}", "have somebody else agree to it")


def agreed(ground: Footing, life: Life, verb: Verb, one: Agreement) -> Taken:
    """Write that somebody agrees; once."""
    details = details_of(life)
    if any(
        (each.step, each.digest, person(each.actor)) == (one.step, one.digest, person(one.actor))
        for each in details.agreed
    ):
        return told(ground, verb, life)
    dated = Agreement(one.step, one.digest, one.actor, as_text(ground.now))
    after = staying(life)
    whole_details = Details(verb.value, ground.reason, (*details.agreed, dated), details.decided)
    _, plan = ground.in_force(life)
    content = {"agrees_to": one.digest, "for": "start" if one.step == SIGN_OFF else one.step}
    step = Step(verb, life.experiment, life, after, plan, whole_details, dict(content))
    return written(ground, step)


def agreed_to_start(ground: Footing, life: Life) -> None:
    """Refuse a start while a sign-off or an approval is missing.

    Raises:
        RefusedError: Who has not agreed yet.
    """
    sealed, plan = ground.in_force(life)
    agreements = details_of(life).agreed
    signed = {person(one.actor) for one in agreements if (one.step, one.digest) == (SIGN_OFF, life.plan)}
    waiting = [name for name in plan.signoffs if person(name) not in signed]
    if waiting:
        says = f"the plan {sealed.digest} of {life.experiment} is not signed off by {', '.join(waiting)}"
        typed = command(Verb.SIGN_OFF, life.experiment).replace("DIGEST", sealed.digest)
        raise refusal(Rule.SIGNED_OFF, says, f"have them run: {typed} --actor {waiting[0]}")
    approved(ground, life, "start", sealed.digest, (sealed.actor, plan.owner))


def approved(
    ground: Footing, life: Life, step: Approved, digest: str, authors: tuple[str | None, ...]
) -> None:
    """Refuse a step while fewer others have approved it than the policy wants, now or when a plan was sealed.

    Whoever takes the step, made what is approved or owns the experiment does not count; a sign-off counts as
    an approval of the start.

    Raises:
        RefusedError: How many are missing.
    """
    wanted = required(ground, life.experiment, step)
    kinds = {step, SIGN_OFF} if step == "start" else {step}
    agreed_to = (one for one in details_of(life).agreed if one.step in kinds and one.digest == digest)
    mine = {person(name) for name in (ground.actor, *authors) if name is not None}
    people = {person(one.actor) for one in agreed_to} - mine
    if len(people) < wanted:
        have = f"{len(people)} of {wanted}" if people else f"0 of {wanted}"
        says = f"{have} others approved to {step} {life.experiment} with {digest}"
        typed = command(Verb.APPROVE, life.experiment).replace("STEP", step).replace("DIGEST", digest)
        raise refusal(Rule.APPROVED, says, f"have somebody else run: {typed}")
