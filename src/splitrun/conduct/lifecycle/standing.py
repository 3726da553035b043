"""Where experiments stand: all of them with owner and next step, or one with its history and its plans."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from msgspec import to_builtins

from splitrun.conduct.lifecycle.details import Agreement, details_of
from splitrun.conduct.lifecycle.footing import surroundings
from splitrun.conduct.registry.place import home
from splitrun.errors import Mistake, SpecError
from splitrun.govern.lifecycle.asking import next_steps
from splitrun.plan.folder import Folder
from splitrun.plan.sealing.canonical import reopened
from splitrun.spec.reading import Draft
from splitrun.spec.written.fields import suggested
from splitrun.store.canonical import Json, as_text
from splitrun.store.registry.asked import object_of
from splitrun.store.registry.databases.sql import SqlRegistry
from splitrun.store.registry.documents import Kind, Life, SealedPlan, State

__all__ = [
    "History",
    "Lives",
    "Moved",
    "Sealed",
    "Stands",
    "history",
    "life_form",
    "lives",
    "status_form",
    "there",
]


@dataclass(frozen=True, slots=True)
class Stands:
    """Where one experiment stands in an environment."""

    experiment: str
    title: str | None
    owner: str | None
    state: str
    version: int
    phase: int
    since: str | None
    """When it came into this state; None of a draft."""
    started: str | None
    plan: str | None
    """Digest of the plan in force."""
    decision: str | None
    concluded: str | None
    """The decision in a line, with what a reader should know of it."""
    next: tuple[str, ...]
    """The steps that usually come next, the first before the others."""


@dataclass(frozen=True, slots=True)
class Lives:
    """Every experiment of a project in an environment."""

    project: str
    environment: str
    experiments: tuple[Stands, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """One step of a life."""

    at: str
    actor: str
    verb: str
    reason: str
    state: str
    version: int
    phase: int
    plan: str | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed plan."""

    at: str
    actor: str
    version: int
    amendment: int
    digest: str
    facts: dict[str, Json]
    in_force: bool


@dataclass(frozen=True, slots=True)
class History:
    """One experiment, with how it came to be where it is."""

    project: str
    environment: str
    stands: Stands
    signoffs: tuple[str, ...]
    """Who must sign off the plan in force."""
    agreed: tuple[Agreement, ...]
    """Who agreed to what that still stands."""
    moves: tuple[Moved, ...]
    plans: tuple[Sealed, ...]


def lives(place: Path, environment: str | None = None) -> Lives:
    """Tell where every experiment of a project stands.

    Args:
        place: A folder of the project.
        environment: One of the project's; none: the first.

    Raises:
        SpecError: There is no project or environment, or nothing was applied.
        StoreError: The registry refuses.
    """
    where = home(place)
    with where.registry() as registry:
        says, settings, chosen = surroundings(registry, where.root, environment)
        known = {one.experiment: one for one in registry.lives(settings.project, chosen)}
        keys = sorted(known.keys() | says.experiments.keys())
        found = tuple(stands(registry, says, key, known.get(key), settings.project, chosen) for key in keys)
    return Lives(settings.project, chosen, found)


def history(key: str, place: Path, environment: str | None = None) -> History:
    """Tell where one experiment stands, and how it came there.

    Raises:
        SpecError: There is no such experiment, project or environment, or nothing was applied.
        StoreError: The registry refuses.
    """
    where = home(place)
    with where.registry() as registry:
        says, settings, chosen = surroundings(registry, where.root, environment)
        project = settings.project
        life = registry.state(project, chosen, key)
        if life is None and registry.find(project, Kind.EXPERIMENT, key) is None:
            remedy = suggested(key, says.experiments)
            raise SpecError([Mistake(f"the registry holds no experiment {key[:64]!r}", remedy)])
        plans = registry.plans(project, key)
        force = next((one for one in plans if life is not None and one.digest == life.plan), None)
        return History(
            project,
            chosen,
            stands(registry, says, key, life, project, chosen),
            () if force is None else reopened(force.body).signoffs,
            standing_agreements(life),
            tuple(moved(one) for one in registry.moves(project, chosen, key)),
            tuple(sealed(one, life) for one in plans),
        )


def there(key: str, place: Path) -> bool:
    """Whether the registry of a project holds an experiment.

    Raises:
        SpecError: There is no project, or nothing was applied.
        StoreError: The registry refuses.
    """
    where = home(place)
    with where.registry() as registry:
        _, settings, _ = surroundings(registry, where.root, None)
        return registry.find(settings.project, Kind.EXPERIMENT, key) is not None


def status_form(found: Lives) -> dict[str, object]:
    """Write where experiments stand in the form `splitrun.status/1`."""
    return {"form": "splitrun.status/1", **asdict(found)}


def life_form(found: History) -> dict[str, object]:
    """Write one experiment with its history in the form `splitrun.history/1`."""
    facts: dict[str, object] = to_builtins(found)
    return {"form": "splitrun.history/1", **facts}


def stands(
    registry: SqlRegistry, says: Folder, key: str, life: Life | None, project: str, environment: str
) -> Stands:
    """Put together what is told of one experiment."""
    draft = says.experiments.get(key)
    state = State.DRAFT if life is None else life.state
    decided = details_of(life).decided
    return Stands(
        key,
        text(draft, "title"),
        text(draft, "owner"),
        state.value,
        1 if life is None else life.version,
        0 if life is None else life.phase,
        since(registry.moves(project, environment, key)),
        None if life is None or life.started is None else as_text(life.started),
        None if life is None else life.plan,
        None if decided is None else decided.decision,
        None if decided is None else decided.says,
        next_steps(key, state),
    )


def text(draft: Draft | None, name: str) -> str | None:
    """What an experiment says of itself; None where it says nothing."""
    return None if draft is None else draft.said(name) or None


def since(moves: tuple[Life, ...]) -> str | None:
    """When an experiment came into the state that it is in."""
    first = None
    for one in reversed(moves):
        if one.state is not moves[-1].state:
            break
        first = one
    return None if first is None else as_text(first.at)


def standing_agreements(life: Life | None) -> tuple[Agreement, ...]:
    """Agreements that still hold: those on the plan in force, and those on steps to come."""
    if life is None:
        return ()
    bound = {"sign-off", "start"}
    return tuple(one for one in details_of(life).agreed if one.step not in bound or one.digest == life.plan)


def moved(life: Life) -> Moved:
    """Tell a step."""
    details = details_of(life)
    return Moved(
        as_text(life.at),
        life.actor,
        details.verb,
        details.reason,
        life.state.value,
        life.version,
        life.phase,
        life.plan,
    )


def sealed(plan: SealedPlan, life: Life | None) -> Sealed:
    """Tell a sealed plan."""
    return Sealed(
        as_text(plan.at),
        plan.actor,
        plan.version,
        plan.amendment,
        plan.digest,
        dict(object_of(plan.facts)),
        life is not None and (life.plan, life.version) == (plan.digest, plan.version),
    )
