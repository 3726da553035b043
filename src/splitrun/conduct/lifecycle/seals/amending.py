"""Amend a sealed plan: what changes, what had been seen by then, and what that does to its standing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from splitrun.conduct.lifecycle.agreeing import approved
from splitrun.conduct.lifecycle.details import details_of
from splitrun.conduct.lifecycle.footing import Asked, Footing, footing, refusal
from splitrun.conduct.lifecycle.seals.brought import brought
from splitrun.conduct.lifecycle.seals.looked import Seen, looks, seen
from splitrun.conduct.lifecycle.seals.plans import fit, numbered, planned
from splitrun.conduct.lifecycle.taken import Step, Taken, staying, told, written
from splitrun.errors import Mistake, RefusedError
from splitrun.govern.lifecycle.asking import command
from splitrun.govern.lifecycle.table import STANDING, Rule, Verb
from splitrun.plan.sealing.canonical import canonical as text
from splitrun.plan.sealing.deviations import Deviation, deviations
from splitrun.spec.amount import exact, written_share
from splitrun.spec.plan import Plan
from splitrun.store.canonical import Json, canonical, digest
from splitrun.store.registry.asked import object_of
from splitrun.store.registry.change import Seal
from splitrun.store.registry.documents import Life, SealedPlan

__all__ = ["amend"]

FIXED = (
    "delivery.flag",
    "delivery.layer",
    "delivery.parameters",
    "delivery.salt",
    "delivery.serves",
    "unit",
    "variants",
    "weights_known",
)
"""What no amendment changes once units are dealt."""

LISTED = 200
"""Fields that an audit entry names; the seal names all."""


def amend(key: str, wanted: Asked) -> Taken:
    """Seal what the files say now, as an amendment of the plan in force; they are brought into the registry.

    What was changed in fields that a number rests on is exploratory where effects had been seen before. A
    change of coverage or audience opens a phase.

    Args:
        key: The experiment.
        wanted: Who asks, where and why.

    Raises:
        RefusedError: The table does not allow it, nothing differs, what differs may not change while units
            are dealt, the files say otherwise, or approvals are missing.
        SpecError: The new plan has mistakes, cannot be tested, or breaks the policy; all of it.
        ConflictError: Somebody was faster.
        StoreError: The registry refuses.
    """
    with footing(wanted, Verb.AMEND) as found:
        before = found.repeated(key, Verb.AMEND)
        life, _ = found.moved(key, Verb.AMEND)
        sealed, old = found.in_force(life)
        came = brought(found, key, Verb.AMEND)
        ground = came.footing
        new = planned(ground, key)
        dealt_again(key, new, life)
        new = numbered(new, life.version, old.delivery.follows)
        changed = deviations(old, new)
        if not any(not one.field.startswith("baselines") for one in changed):
            if before is not None:
                return told(ground, Verb.AMEND, before)
            says = f"nothing differs from the plan of {key} that is in force"
            raise refusal(Rule.CHANGED, says, "change what its files say, then amend")
        if life.state in STANDING:
            kept_to(key, old, new, changed)
        fit(ground, new)
        body = text(new)
        approved(ground, life, "amend", digest(body), (old.owner,))
        facts = facts_of(ground, life, sealed, changed)
        newest = ground.plans(key, life.version)[-1]
        seal = Seal(ground.project, key, life.version, body, newest, canonical(facts))
        step = amendment(ground, life, new, seal, facts)
        return written(ground, replace(step, writings=came.writings, remarks=came.remarks), notes(facts))


def amendment(ground: Footing, life: Life, new: Plan, seal: Seal, facts: dict[str, Json]) -> Step:
    """Make the step that puts an amendment in force."""
    after = replace(staying(life), plan=digest(seal.body))
    said = {name: value for name, value in facts.items() if name != "reason"}
    said["amends"] = fields(facts)[:LISTED]
    details = ground.details(Verb.AMEND, details_of(life))
    return Step(Verb.AMEND, life.experiment, life, after, new, details, said, seal=seal)


def facts_of(
    ground: Footing, life: Life, sealed: SealedPlan, changed: Sequence[Deviation]
) -> dict[str, Json]:
    """What is kept with an amendment; what made the plan late stays with it for ever."""
    had: Seen = seen(looks(ground, life))
    lost = had.effects and any(one.confirmatory for one in changed)
    before = object_of(sealed.facts)
    carried = {name: before[name] for name in ("late", "exposures", "follows") if name in before}
    return {
        **carried,
        "amends": [one.field for one in changed],
        "confirmatory": not lost,
        "reason": ground.reason,
        "seen": asdict(had),
    }


def fields(facts: dict[str, Json]) -> list[Json]:
    """The fields that an amendment changes."""
    named = facts["amends"]
    return list(named) if isinstance(named, list) else []


def notes(facts: dict[str, Json]) -> tuple[str, ...]:
    """What an amendment does, in words."""
    listed = ", ".join(str(one) for one in fields(facts))
    if facts["confirmatory"]:
        return (f"amends {listed}", "what was planned stays confirmatory: nothing it changes had been seen")
    return (
        f"amends {listed}",
        "effects had been seen: what was amended is exploratory on every readout from now on",
    )


def dealt_again(key: str, new: Plan, life: Life) -> None:
    """Refuse a version that deals the units afresh.

    Raises:
        RefusedError: The definition says a greater version.
    """
    if new.delivery.version > life.version:
        says = (
            f"the definition of {key} says version {new.delivery.version}, and version {life.version} stands"
        )
        raise refusal(Rule.FIXED, says, f"deal all units afresh: {command(Verb.RESTART, key)}")


def kept_to(key: str, old: Plan, new: Plan, changed: Sequence[Deviation]) -> None:
    """Refuse what would move units that are dealt already, all of it at once.

    Raises:
        RefusedError: What may not change, and what to do instead.
    """
    wrong = [
        Mistake(
            f"{one.field} of {key} was sealed as {one.sealed or 'nothing'} and units are dealt by it; "
            f"now it says {one.now or 'nothing'}",
            f"take it back, or deal all units afresh: {command(Verb.RESTART, key)}",
            Rule.FIXED.value,
        )
        for one in changed
        if any(one.field == path or one.field.startswith(f"{path}.") for path in FIXED)
    ]
    was, now = (exact(coverage(plan)) for plan in (old, new))
    if now < was:
        says = f"coverage of {key} falls from {written_share(was)} to {written_share(now)}"
        remedy = f"take it back; to enrol nobody for a while: {command(Verb.PAUSE, key)}"
        wrong.append(Mistake(says, remedy, Rule.GROWING.value))
    if wrong:
        raise RefusedError(wrong)


def coverage(plan: Plan) -> float:
    """The share of eligible units that a plan enrols at first."""
    ramp = plan.delivery.ramp
    return plan.delivery.coverage or (ramp[0].coverage if ramp else 1.0)
