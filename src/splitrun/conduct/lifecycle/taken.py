"""A step as it is written: the move, the ruleset, what the audit chain says of it; and as it is told."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from splitrun.conduct.lifecycle.details import Details, details_of, kept
from splitrun.conduct.lifecycle.footing import Footing
from splitrun.conduct.lifecycle.publication import Dealt, Made, others, publication
from splitrun.govern.lifecycle.asking import next_steps
from splitrun.govern.lifecycle.table import OPEN, STANDING, Verb
from splitrun.spec.plan import Plan
from splitrun.store.canonical import Json, canonical
from splitrun.store.chain.entry import Remark
from splitrun.store.registry.change import Change, Move, Receipt, Seal, Writing
from splitrun.store.registry.documents import Life, State

__all__ = ["Step", "Taken", "staying", "step_form", "told", "written"]


@dataclass(frozen=True, slots=True)
class Step:
    """What a verb wants to write, before the ruleset is known."""

    verb: Verb
    key: str
    before: Life | None
    after: Move
    """Its phase is counted on by the ruleset."""
    plan: Plan
    """The sealed plan that is in force from now on."""
    details: Details
    content: dict[str, Json]
    """What the audit chain says of it beside states, version, phase and plan."""
    said: str | None = None
    """The name under which the chain has it; None: the verb's own."""
    seal: Seal | None = None
    writings: tuple[Writing, ...] = ()
    """Definitions that the step brings in."""
    remarks: tuple[Remark, ...] = ()
    """What is said of them."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken, as a person reads it."""

    verb: str
    experiment: str
    project: str
    environment: str
    state: str
    version: int
    phase: int
    plan: str | None
    """Digest of the plan in force."""
    ruleset: int | None
    """The ruleset that this step published; None where it published none."""
    entry: int | None
    """Its entry in the audit chain; None where it had been taken before."""
    repeated: bool
    """Whether the very same step had been taken before, so that nothing was written now."""
    next: tuple[str, ...]
    notes: tuple[str, ...] = ()


def step_form(taken: Taken) -> dict[str, object]:
    """Write a step that was taken in the form `splitrun.step/1`."""
    return {"form": "splitrun.step/1", **asdict(taken)}


def written(footing: Footing, step: Step, notes: tuple[str, ...] = ()) -> Taken:
    """Write a step, whole or not at all: seal, move, ruleset and audit entry in one commit.

    Raises:
        SpecError: The definitions do not fit together, or units would be moved.
        ConflictError: Somebody was faster; nothing was kept.
        StoreError: The registry refuses.
    """
    deals = step.after.state in STANDING
    was = step.before is not None and step.before.state in STANDING
    made = None
    if deals or was:
        enrols = step.after.state in OPEN
        dealt = Dealt(step.plan, max(1, step.after.phase), enrols) if deals else None
        made = publication(footing, step.key, dealt)
    after = step.after if made is None or not deals else phased(step, made, opened_anew(step))
    receipt = footing.registry.commit(change(footing, replace(step, after=after), made))
    life = next(one for one in receipt.lives if one.experiment == step.key)
    return told(footing, step.verb, life, published(made), receipt, notes=notes)


def opened_anew(step: Step) -> int:
    """Count the phase of an experiment that no ruleset holds: a new one where enrolment changed."""
    before = step.before
    if before is None or before.state not in STANDING:
        return 1
    return before.phase + ((before.state in OPEN) != (step.after.state in OPEN))


def phased(step: Step, made: Made, otherwise: int) -> Move:
    """Give the move the phase that clients will log."""
    return replace(step.after, phase=made.phase(step.key, otherwise))


def published(made: Made | None) -> int | None:
    """The version of the ruleset that is published, if one is."""
    return None if made is None or made.publication is None else made.publication.version


def change(footing: Footing, step: Step, made: Made | None) -> Change:
    """Put together what is written at once."""
    moves = [replace(step.after, details=kept(step.details))]
    if made is not None:
        moves += [replace(staying(life), phase=phase) for life, phase in others(footing, step.key, made)]
    publications = () if made is None or made.publication is None else (made.publication,)
    content: dict[str, Json] = {
        "from": None if step.before is None else step.before.state.value,
        "to": step.after.state.value,
        "version": step.after.version,
        "phase": step.after.phase,
        "plan": step.after.plan,
        **({} if not publications else {"ruleset": publications[0].version}),
        **step.content,
    }
    remark = Remark(
        step.said or step.verb.value,
        f"experiment/{step.key}",
        footing.reason,
        footing.project,
        footing.environment,
        canonical(content),
    )
    return Change(
        footing.now,
        footing.actor,
        (remark, *step.remarks),
        writings=step.writings,
        moves=tuple(moves),
        seals=() if step.seal is None else (step.seal,),
        publications=publications,
    )


def staying(life: Life) -> Move:
    """A move that leaves everything as it is; a step replaces what it changes."""
    return Move(
        life.project,
        life.environment,
        life.experiment,
        life,
        life.state,
        life.version,
        life.phase,
        life.plan,
        life.started,
        life.closed,
        life.ended,
        life.details,
    )


def told(
    footing: Footing,
    verb: Verb,
    life: Life,
    ruleset: int | None = None,
    receipt: Receipt | None = None,
    *,
    notes: tuple[str, ...] = (),
) -> Taken:
    """Tell a step; without a receipt, one that had been taken before."""
    return Taken(
        verb=verb.value,
        experiment=life.experiment,
        project=footing.project,
        environment=footing.environment,
        state=life.state.value,
        version=life.version,
        phase=life.phase,
        plan=life.plan,
        ruleset=ruleset,
        entry=None if receipt is None else receipt.entries[0].number,
        repeated=receipt is None,
        next=next_steps(life.experiment, State(life.state)),
        notes=notes or tuple(missing(life)),
    )


def missing(life: Life) -> list[str]:
    """What a person should know of a state besides."""
    decided = details_of(life).decided
    return [] if decided is None else [decided.says]
