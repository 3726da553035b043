"""Amend a sealed plan: what changes, what had been seen by then, and what that does to its standing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from splitrun.conduct.lifecycle.agreeing import approved
from splitrun.conduct.lifecycle.details import details_of
from splitrun.conduct.lifecycle.footing import Asked, Footing, footing, refusal
from splitrun.conduct.lifecycle.seals.brought import brought
from splitrun.conduct.lifecycle.seals.exposed import exposed
from splitrun.conduct.lifecycle.seals.looked import Seen, looks, seen
from splitrun.conduct.lifecycle.seals.plans import fit, numbered, planned
from splitrun.conduct.lifecycle.seals.registering import lateness, timed
from splitrun.conduct.lifecycle.taken import Step, Taken, staying, told, written
from splitrun.conduct.planning.looking import day_of
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


def amend(key: str, wanted: Asked, *, late: str | None = None, database: Path | None = None) -> Taken:
    """Seal what the files say now, as an amendment of the plan in force; they are brought into the registry.

    What was changed in fields that a number rests on is exploratory where effects had been seen before. A
    change of coverage or audience opens a phase.

    Args:
        key: The experiment.
        wanted: Who asks, where and why.
        late: Why it is amended before it was started though exposures are there; for ever.
        database: A DuckDB file in which exposures may be.

    Raises:
        RefusedError: The table does not allow it, nothing differs, what differs may not change while units
            are dealt, the files say otherwise, approvals are missing, or exposures are there before it was
            started.
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
        fit(ground, new, None if life.started else day_of(ground.now, new.timezone))
        body = text(new)
        approved(ground, life, "amend", digest(body), (old.owner,))
        facts = facts_of(ground, life, sealed, changed) | tardy(ground, life, sealed, new, (late, database))
        facts["confirmatory"] = facts["confirmatory"] and not untold(new, changed)
        newest = ground.plans(key, life.version)[-1]
        seal = Seal(ground.project, key, life.version, body, newest, canonical(facts))
        step = amendment(ground, life, new, seal, facts)
        return written(ground, replace(step, writings=came.writings, remarks=came.remarks), notes(facts))


def tardy(
    ground: Footing, life: Life, sealed: SealedPlan, new: Plan, said: tuple[str | None, Path | None]
) -> dict[str, Json]:
    """What an amendment before the start says of exposures that are there; late stays late.

    Raises:
        RefusedError: Exposures are there and nobody says why, or none are there and somebody does.
        DataError: Exposures are there and cannot be read.
    """
    late, database = said
    if life.started is not None or "late" in object_of(sealed.facts):
        return {}
    seen = exposed(new, ground.home.root, database)
    reason = lateness(life.experiment, seen, late)
    return {"exposures": seen.rows, **({} if reason is None else {"late": reason})}


def untold(new: Plan, changed: Sequence[Deviation]) -> bool:
    """Whether other rows are read from now on, and nobody can tell when these were exposed."""
    return not timed(new) and any(one.field.partition(".")[0] in {"exposures", "moments"} for one in changed)


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
    had = facts["seen"]
    if isinstance(had, dict) and not had["effects"]:
        older = "the rows that are read from now on tell no time, so they may be older than the plan"
        return (f"amends {listed}", f"{older}: what was amended is exploratory on every readout")
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
