"""Experiments over HTTP: where they stand, the plan that would be sealed, every step of a life, a readout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from splitrun.govern.lifecycle.table import Verb
from splitrun.serve.api import verbs
from splitrun.serve.api.answering import Operated, operation
from splitrun.serve.api.call import Body, Call, Nothing, Reason, UnfitError
from splitrun.store.access.keys import Scope

if TYPE_CHECKING:
    from splitrun.conduct.lifecycle.taken import Taken

__all__ = ["ENDPOINTS"]

PLACE = "/v1/experiments"
ONE = f"{PLACE}/{{experiment}}"


class Why(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a step is taken."""

    reason: Reason


class Sealing(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a plan is sealed, and why late where exposures are there."""

    reason: Reason
    late: Reason | None = None


class Signing(Struct, frozen=True, forbid_unknown_fields=True):
    """What was read, by its digest, and why it is signed off."""

    reason: Reason
    digest: str


class Approving(Struct, frozen=True, forbid_unknown_fields=True):
    """Which step is approved, of what digest, and why."""

    reason: Reason
    digest: str
    step: str = field(name="for")


class Deciding(Struct, frozen=True, forbid_unknown_fields=True):
    """What is decided, from which readout, and why."""

    reason: Reason
    decision: str
    readout: str
    segment: str | None = None


class Reading(Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is looked at, and up to which moment rows count, or which look is read again."""

    reason: Reason | None = None
    early: Reason | None = None
    as_of: str | None = None
    pin: int | None = None


def key_of(call: Call[Body]) -> str:
    """Give the experiment that the address names.

    Raises:
        UnfitError: The registry holds none of that key.
    """
    key = call.path["experiment"]
    if "\x00" in key or not verbs.there(key, call.root):
        raise UnfitError(f"the registry holds no experiment {key[:64]!r}; see GET {PLACE}", 404)
    return key


def listed(call: Call[Nothing]) -> dict[str, object]:
    """Tell where every experiment stands."""
    return verbs.status_form(verbs.lives(call.root, call.environment))


def told(call: Call[Nothing]) -> dict[str, object]:
    """Tell where one stands, and how it came there."""
    return verbs.life_form(verbs.history(key_of(call), call.root, call.environment))


def planned(call: Call[Nothing]) -> dict[str, object]:
    """Show what `register` would seal."""
    key = key_of(call)
    file: Path = verbs.file_in(call.root, key, f"no file of the project defines the experiment {key[:64]!r}")
    return verbs.preview_form(verbs.preview(file, desk=call.desk))


def read(call: Call[Reading]) -> dict[str, object]:
    """Read by the sealed plan, and record the look."""
    said = call.body
    wish = verbs.Wish(call.environment, said.reason, said.early, call.actor, said.pin)
    return verbs.readout(key_of(call), call.root, as_of=said.as_of, wish=wish, desk=call.desk).to_dict()


def moved(verb: Verb) -> Callable[[Call[Why]], dict[str, object]]:
    """Make the step of a verb that takes a reason alone."""
    return lambda call: verbs.step_form(verbs.move(verb, key_of(call), call.asked(call.body.reason)))


def sealing(
    verb: Callable[[], Callable[..., Taken]],
) -> Callable[[Call[Sealing]], dict[str, object]]:
    """Make the step of a verb that seals a plan; the verb is loaded when it is asked for."""
    return lambda call: verbs.step_form(
        verb()(key_of(call), call.asked(call.body.reason), late=call.body.late)
    )


def signed_off(call: Call[Signing]) -> dict[str, object]:
    """Sign off the plan in force."""
    return verbs.step_form(verbs.sign_off(key_of(call), call.body.digest, call.asked(call.body.reason)))


def approved(call: Call[Approving]) -> dict[str, object]:
    """Approve a step of somebody else."""
    said = call.body
    return verbs.step_form(verbs.approve(key_of(call), said.step, said.digest, call.asked(said.reason)))


def decided(call: Call[Deciding]) -> dict[str, object]:
    """Record what is decided."""
    said = call.body
    asked = call.asked(said.reason)
    return verbs.step_form(
        verbs.decide(key_of(call), said.decision, said.readout, asked, segment=said.segment)
    )


MOVES = {
    Verb.START: "Start a registered experiment",
    Verb.PAUSE: "Enrol nobody for a while",
    Verb.RESUME: "Enrol again",
    Verb.OBSERVE: "End enrolment while windows mature",
    Verb.STOP: "End an experiment",
    Verb.ARCHIVE: "Put an experiment away",
    Verb.INVALIDATE: "Say that nothing may be concluded",
}

ENDPOINTS = (
    operation("GET", PLACE, Scope.READ, "Where every experiment stands", Operated(Nothing, listed)),
    operation("GET", ONE, Scope.READ, "Where one stands, and its history", Operated(Nothing, told)),
    operation("GET", f"{ONE}/plan", Scope.READ, "What `register` would seal", Operated(Nothing, planned)),
    operation(
        "POST",
        f"{ONE}/readout",
        Scope.ADMIN,
        "Read by the sealed plan; the look is recorded",
        Operated(Reading, read),
    ),
    *(
        operation("POST", f"{ONE}/{name}", Scope.ADMIN, brief, Operated(Sealing, sealing(verb)))
        for name, brief, verb in (
            ("register", "Seal the plan", lambda: verbs.register),
            ("amend", "Seal an amendment", lambda: verbs.amend),
            ("restart", "Seal a new version that deals all units afresh", lambda: verbs.restart),
        )
    ),
    *(
        operation("POST", f"{ONE}/{verb.value}", Scope.ADMIN, brief, Operated(Why, moved(verb)))
        for verb, brief in MOVES.items()
    ),
    operation(
        "POST", f"{ONE}/sign-off", Scope.ADMIN, "Sign off the plan in force", Operated(Signing, signed_off)
    ),
    operation(
        "POST",
        f"{ONE}/approve",
        Scope.ADMIN,
        "Approve a step of somebody else",
        Operated(Approving, approved),
    ),
    operation("POST", f"{ONE}/decide", Scope.ADMIN, "Record what is decided", Operated(Deciding, decided)),
)
