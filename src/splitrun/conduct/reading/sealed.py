"""The sealed plans of an experiment as the registry has them, and how far a reading keeps to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from splitrun.conduct.experiment import Written
from splitrun.conduct.registry.place import home
from splitrun.conduct.workspace import PROJECT, root_of, workspace
from splitrun.errors import StoreError
from splitrun.judge.readout import Amendment, Registration
from splitrun.plan.sealing.canonical import reopened
from splitrun.plan.sealing.deviations import differences, told
from splitrun.plan.sealing.reach import Reach, joined, reach
from splitrun.spec.plan import Plan
from splitrun.store.registry.documents import SealedPlan

__all__ = ["Facts", "Seen", "facts_of", "in_force", "registered", "registration"]


class Seen(BaseModel):
    """What had been seen when a plan was amended; what nobody wrote is taken for the worst."""

    model_config = ConfigDict(frozen=True)

    looks: int = 0
    effects: bool = True
    units: int | None = None


class Facts(BaseModel):
    """What is kept beside a sealed plan."""

    model_config = ConfigDict(frozen=True)

    reason: str | None = None
    late: str | None = None
    exposures: int | None = None
    amends: tuple[str, ...] = ()
    seen: Seen = Seen()
    confirmatory: bool = False


@dataclass(frozen=True, slots=True)
class Chapter:
    """A sealed plan or amendment, read back."""

    sealed: SealedPlan
    plan: Plan
    facts: Facts


def facts_of(sealed: SealedPlan) -> Facts:
    """Read what is kept beside a sealed plan.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        return Facts.model_validate_json(sealed.facts)
    except ValidationError as error:
        raise StoreError(
            f"what is kept beside the sealed plan of {sealed.experiment!r} cannot be read: "
            f"{sealed.facts[:60]!r}; run `splitrun audit verify`"
        ) from error


def registered(experiment: Written, plan: Plan) -> Registration | None:
    """Hold a plan to what the project's registry has sealed of its experiment and version.

    Args:
        experiment: Where the experiment stands; a mapping belongs to no project.
        plan: What is read.

    Returns:
        None where there is no project, no registry, or no sealed plan of that version or a later one.

    Raises:
        StoreError: There is a registry, and it cannot be read.
    """
    match experiment:
        case str() | PathLike():
            found = plans_at(Path(experiment).resolve().parent, plan.key)
        case _:
            return None
    # a restart counts on from what the file says; what the file counts beyond that, nobody has sealed
    chain = in_force(found) if any(one.version >= plan.delivery.version for one in found) else ()
    return registration(chain, plan, recorded=False) if chain else None


def plans_at(place: Path, key: str) -> tuple[SealedPlan, ...]:
    """Every sealed plan of an experiment in the registry of the project around a folder; none without one.

    Raises:
        StoreError: There is a registry, and it cannot be read.
    """
    project = workspace(place, (PROJECT,)).says.project if root_of(place) is not None else None
    if project is None:
        return ()
    where = home(place)
    if not where.there:
        return ()
    with where.registry() as registry:
        return registry.plans(project.project, key)


def in_force(plans: Sequence[SealedPlan], digest: str | None = None) -> tuple[SealedPlan, ...]:
    """The sealed plan in force and what it amends, from the first.

    Args:
        plans: What was sealed of an experiment.
        digest: Of the plan in force; None: the newest.
    """
    ordered = sorted(plans, key=lambda one: (one.version, one.amendment))
    known = [one for one in ordered if digest is None or one.digest == digest]
    if not known:
        return ()
    last = known[-1]
    return tuple(one for one in ordered if one.version == last.version and one.amendment <= last.amendment)


def registration(
    chain: Sequence[SealedPlan], now: Plan, *, recorded: bool, early: str | None = None
) -> Registration:
    """Say how far what is read keeps to what was sealed.

    Args:
        chain: The sealed plan in force after what it amends; at least one.
        now: What is read.
        recorded: Whether this reading stands in the log as a look.
        early: Why a plan for one reading was read before its end.

    Raises:
        StoreError: A sealed plan cannot be read.
    """
    chapters = [Chapter(one, reopened(one.body), facts_of(one)) for one in chain]
    first, last = chapters[0], chapters[-1]
    found = differences(last.plan, now)
    late = next((chapter.facts for chapter in chapters if chapter.facts.late is not None), None)
    return Registration(
        digest=last.sealed.digest,
        version=last.sealed.version,
        amendment=last.sealed.amendment,
        at=first.sealed.at,
        by=first.sealed.actor,
        late=None if late is None else late.late,
        exposures=None if late is None else late.exposures,
        amendments=tuple(amendment(before, chapter) for before, chapter in pairwise(chapters)),
        deviations=tuple(told(one) for one in found),
        reach=joined((reach(found, last.plan, now), *afterwards(chapters))),
        recorded=recorded,
        early=early,
    )


def amendment(before: Chapter, chapter: Chapter) -> Amendment:
    """An amendment, its fields as the plans themselves have them."""
    facts = chapter.facts
    return Amendment(
        number=chapter.sealed.amendment,
        at=chapter.sealed.at,
        by=chapter.sealed.actor,
        reason=facts.reason or "no reason was kept",
        fields=tuple(told(one).field for one in differences(before.plan, chapter.plan)),
        looks=facts.seen.looks,
        effects=facts.seen.effects,
        units=facts.seen.units,
        confirmatory=facts.confirmatory,
    )


def afterwards(chapters: Sequence[Chapter]) -> Iterator[Reach]:
    """What amendments touch that were made after effects had been seen."""
    for before, chapter in pairwise(chapters):
        if not chapter.facts.confirmatory:
            yield reach(differences(before.plan, chapter.plan), before.plan, chapter.plan)
