"""Register an experiment, and restart one: a plan is resolved, found fit, sealed, and put in force."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from splitrun.conduct.lifecycle.details import Details
from splitrun.conduct.lifecycle.footing import Asked, Footing, footing, refusal
from splitrun.conduct.lifecycle.seals.brought import brought, same_as_files
from splitrun.conduct.lifecycle.seals.exposed import Exposed, exposed
from splitrun.conduct.lifecycle.seals.plans import fit, numbered, planned
from splitrun.conduct.lifecycle.taken import Step, Taken, told, written
from splitrun.conduct.planning.looking import day_of
from splitrun.errors import StoreError
from splitrun.govern.lifecycle.table import Rule, Verb
from splitrun.plan.sealing.canonical import canonical as text
from splitrun.spec.plan import Plan
from splitrun.store.canonical import Json, canonical, digest
from splitrun.store.registry.change import Move, Seal
from splitrun.store.registry.documents import Life, State

__all__ = ["lateness", "register", "restart", "timed"]


@dataclass(frozen=True, slots=True)
class ToSeal:
    """A plan, and the seal that it needs."""

    plan: Plan
    digest: str
    seal: Seal | None
    """None where this very plan is sealed already, for another environment."""


def register(key: str, wanted: Asked, *, late: str | None = None, database: Path | None = None) -> Taken:
    """Seal the plan of an experiment, and put it in force in an environment.

    Args:
        key: The experiment, as the registry defines it.
        wanted: Who asks, where and why.
        late: Why it is registered though exposures are there; it stands on every readout, for ever.
        database: A DuckDB file in which exposures may be.

    Raises:
        RefusedError: It has a life already, the files say otherwise, or exposures are there.
        SpecError: It has mistakes, cannot be tested, or breaks the policy; all of it.
        DataError: Exposures are there and cannot be read.
        ConflictError: Somebody was faster.
        StoreError: The registry refuses.
    """
    with footing(wanted, Verb.REGISTER) as ground:
        before = ground.repeated(key, Verb.REGISTER)
        if before is not None:
            return told(ground, Verb.REGISTER, before)
        _, to = ground.open(key, Verb.REGISTER)
        unlived(ground, key)
        wanted.desk.progress("resolving the plan")
        plan = planned(ground, key)
        same_as_files(ground, key)
        fit(ground, plan, day_of(ground.now, plan.timezone))
        wanted.desk.progress("looking for exposures")
        seen = exposed(plan, ground.home.root, database)
        reason = lateness(key, seen, late)
        facts: dict[str, Json] = {
            **({} if reason is None else {"late": reason}),
            "exposures": seen.rows,
            "reason": ground.reason,
        }
        made = first(ground, plan, facts)
        notes = () if not seen.why else (f"exposures were not counted: {seen.why}",)
        return written(ground, registration(ground, Verb.REGISTER, None, to, made, facts), notes)


def restart(key: str, wanted: Asked, *, late: str | None = None, database: Path | None = None) -> Taken:
    """Seal a new version of an experiment, which deals all units afresh and follows the one before.

    The old version is taken out of the ruleset; the new one runs once it is started.

    Args:
        key: The experiment, as the files say; where they do not name it, as the registry defines it.
        wanted: Who asks, where and why.
        late: Why it is sealed though exposures are there that tell no time, so that nobody can say of which
            version they are; it stands on every readout, for ever.
        database: A DuckDB file in which exposures may be.

    Raises:
        RefusedError: The table does not allow it, the files say otherwise, or such exposures are there.
        SpecError: It has mistakes, cannot be tested, or breaks the policy; all of it.
        DataError: Exposures are there and cannot be read.
        ConflictError: Somebody was faster.
        StoreError: The registry refuses.
    """
    with footing(wanted, Verb.RESTART) as found:
        before = found.repeated(key, Verb.RESTART)
        if before is not None:
            return told(found, Verb.RESTART, before)
        life, to = found.moved(key, Verb.RESTART)
        came = brought(found, key, Verb.RESTART)
        ground = came.footing
        plan = planned(ground, key)
        fit(ground, plan, day_of(ground.now, plan.timezone))
        seen = exposed(plan, ground.home.root, database)
        reason = None if late is None and timed(plan) else lateness(key, seen, late)
        last = max((one.version for one in ground.plans(key)), default=life.version)
        version = max(plan.delivery.version, last + 1)
        facts: dict[str, Json] = {
            **({} if reason is None else {"late": reason}),
            "exposures": seen.rows,
            "follows": life.version,
            "reason": ground.reason,
        }
        made = to_seal(ground, numbered(plan, version, life.version), facts)
        notes = (
            f"version {version} deals all units afresh; units of version {life.version} met the old one",
        )
        step = registration(ground, Verb.RESTART, life, to, made, facts)
        return written(ground, replace(step, writings=came.writings, remarks=came.remarks), notes)


def timed(plan: Plan) -> bool:
    """Whether exposures tell when they were, so that a readout finds those from before the seal by itself."""
    return plan.exposures is not None and plan.exposures.time is not None


def lateness(key: str, seen: Exposed, late: str | None) -> str | None:
    """Give the reason why a plan is late; none where it is not.

    Raises:
        RefusedError: Exposures are there and nobody says why, or none are there and somebody does.
    """
    said = (late or "").strip()
    if late is not None and not said:
        raise refusal(Rule.UNEXPOSED, "--late gives no reason", "say why the plan is late")
    if seen.rows and not said:
        count = "1 exposure is" if seen.rows == 1 else f"{seen.rows:,} exposures are"
        says = f"{count} there before the plan of {key} is sealed"
        remedy = (
            "a plan is sealed before the first; say why it is late with --late REASON, which every readout "
            "of it will carry"
        )
        raise refusal(Rule.UNEXPOSED, says, remedy)
    if said and seen.rows == 0:
        raise refusal(Rule.UNEXPOSED, f"no exposure of {key} is there, so it is not late", "leave --late out")
    return said or None


def unlived(ground: Footing, key: str) -> None:
    """Refuse to begin the life of an experiment anew that the audit chain knows of.

    Raises:
        StoreError: Its rows are gone.
    """
    for one in ground.registry.believed(ground.project, f"experiment/{key}"):
        if one.verb == Verb.REGISTER.value and one.environment == ground.environment:
            raise StoreError(
                f"entry {one.number:,} of the audit chain registered {key!r} in {ground.environment}, and "
                "the registry has nothing of it any more; run `splitrun audit verify`, then "
                "`splitrun restore` from a backup"
            )


def first(ground: Footing, plan: Plan, facts: dict[str, Json]) -> ToSeal:
    """Make the seal of an experiment that has no life in the environment yet.

    What another environment sealed to the letter is used as it is; otherwise the version counts on.
    """
    sealed = ground.plans(plan.key)
    for one in reversed(sealed):
        same = numbered(plan, one.version, plan.delivery.follows)
        if one.amendment == 0 and text(same) == one.body and one.facts == canonical(facts):
            return ToSeal(same, one.digest, None)
    version = max(plan.delivery.version, max((one.version for one in sealed), default=0) + 1)
    follows = None if sealed else plan.delivery.follows
    return to_seal(ground, numbered(plan, version, follows), facts)


def to_seal(ground: Footing, plan: Plan, facts: dict[str, Json]) -> ToSeal:
    """Make the seal of a version that nobody sealed yet."""
    body = text(plan)
    seal = Seal(ground.project, plan.key, plan.delivery.version, body, None, canonical(facts))
    return ToSeal(plan, digest(body), seal)


def registration(
    ground: Footing, verb: Verb, life: Life | None, to: State, made: ToSeal, facts: dict[str, Json]
) -> Step:
    """Make the step that puts a plan in force."""
    version = made.plan.delivery.version
    after = Move(ground.project, ground.environment, made.plan.key, life, to, version, 0, made.digest)
    said = {name: value for name, value in facts.items() if name != "reason"}
    details = ground.details(verb, Details())
    return Step(verb, made.plan.key, life, after, made.plan, details, said, seal=made.seal)
