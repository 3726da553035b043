"""What the registry of a project holds of an experiment, where there is a registry."""

from __future__ import annotations

from pathlib import Path

from splitrun.conduct.definitions.kept import kept
from splitrun.conduct.registry.place import Home, home
from splitrun.errors import SpecError, StoreError
from splitrun.plan.folder import Folder
from splitrun.plan.seal import sealed
from splitrun.plan.sealing.canonical import reopened
from splitrun.plan.sealing.deviations import Deviation, deviations
from splitrun.report.planning.preview import Seal, Standing
from splitrun.spec.plan import Plan
from splitrun.store.registry.registry import Registry

__all__ = ["standing_of"]


def standing_of(place: Path, project: str, plan: Plan, written: Plan) -> Standing | None:
    """Look an experiment up; what cannot be read is told and stops nobody.

    Args:
        place: A folder of the project.
        project: Its name.
        plan: The plan at hand, with what was measured for it.
        written: The same as its files alone say it.

    Returns:
        None where no registry was made yet.
    """
    where = home(place)
    with where.database() as database:
        name = database.name
        if database.file is not None and not database.file.exists():
            return None
    try:
        return read(where, name, project, (plan, written))
    except StoreError as error:
        return Standing(name, applied=False, unread=str(error))


def read(where: Home, name: str, project: str, plans: tuple[Plan, Plan]) -> Standing:
    """Read what the registry holds.

    Raises:
        StoreError: It refuses.
    """
    plan, written = plans
    with where.registry() as registry:
        folder = kept(registry, project)
        environments = () if folder.project is None else folder.project.environments
        lives = [(each, registry.state(project, each, plan.key)) for each in environments]
        states = tuple((each, life.state.value) for each, life in lives if life is not None)
        seal = sealed_in(registry, project, plan)
    if plan.key not in folder.experiments:
        return Standing(name, applied=False, states=states, seal=seal)
    try:
        differs = differing(folder, written)
    except SpecError as error:
        first = error.mistakes[0]
        return Standing(name, applied=True, unread=f"{first.says}; {first.next}", states=states, seal=seal)
    return Standing(name, applied=True, differs=differs, states=states, seal=seal)


def differing(folder: Folder, written: Plan) -> tuple[Deviation, ...]:
    """Where the registry's definitions make another plan than the files.

    Raises:
        SpecError: They make none.
    """
    draft = folder.experiments[written.key]
    there = sealed(draft, folder.library, folder.project, folder.experiments, awaited=True)
    return deviations(there, written)


def sealed_in(registry: Registry, project: str, plan: Plan) -> Seal | None:
    """The plan that is sealed already, the newest of them."""
    plans = registry.plans(project, plan.key)
    if not plans:
        return None
    last = plans[-1]
    return Seal(
        digest=last.digest,
        version=last.version,
        amendment=last.amendment,
        at=last.at,
        actor=last.actor,
        deviations=deviations(reopened(last.body), plan),
    )
