"""What every step stands on: who asks, where, why; the registry, its definitions, and where things stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from splitrun.conduct.definitions.kept import kept as definitions_of
from splitrun.conduct.desk import Desk
from splitrun.conduct.lifecycle.details import Details, details_of
from splitrun.conduct.registry.place import Home, actor_of, home
from splitrun.conduct.workspace import PROJECT, workspace
from splitrun.errors import Mistake, RefusedError, SpecError, StoreError
from splitrun.govern.lifecycle.asking import Allowed, asked
from splitrun.govern.lifecycle.table import Rule, Verb
from splitrun.govern.people import illegible
from splitrun.plan.folder import Folder
from splitrun.plan.sealing.canonical import reopened
from splitrun.spec.plan import Plan
from splitrun.spec.project import Project
from splitrun.spec.written.fields import suggested
from splitrun.store.registry.databases.sql import SqlRegistry
from splitrun.store.registry.documents import Kind, Life, SealedPlan, State

__all__ = ["Asked", "Footing", "chosen", "footing", "refusal", "surroundings"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a step, where, and why."""

    place: Path
    """A folder of the project."""
    reason: str
    actor: str | None = None
    """None: as `SPLITRUN_ACTOR` says, else the name at the login."""
    environment: str | None = None
    """None: the first of the project's."""
    desk: Desk = field(default_factory=Desk)


def refusal(rule: Rule, says: str, remedy: str) -> RefusedError:
    """Say that a rule does not hold."""
    return RefusedError([Mistake(says, remedy, rule.value)])


@dataclass(frozen=True, slots=True)
class Footing:
    """The registry as a step finds it."""

    home: Home
    registry: SqlRegistry
    says: Folder
    """The definitions that the registry keeps."""
    settings: Project
    environment: str
    actor: str
    reason: str
    now: datetime

    @property
    def project(self) -> str:
        """The project's name."""
        return self.settings.project

    def life(self, key: str) -> Life | None:
        """Where an experiment stands; none before its first step.

        Raises:
            SpecError: The registry holds no such experiment.
        """
        life = self.registry.state(self.project, self.environment, key)
        if life is None and self.registry.find(self.project, Kind.EXPERIMENT, key) is None:
            known = [one.key for one in self.registry.documents(self.project, Kind.EXPERIMENT)]
            none = f"the registry holds no experiment {key[:64]!r} of project {self.project!r}"
            remedy = f"write it into experiments/, then run `splitrun apply`; or {suggested(key, known)}"
            raise SpecError([Mistake(none, remedy)])
        return life

    def open(self, key: str, verb: Verb) -> tuple[Life | None, State]:
        """Give where an experiment stands, and where the step leads.

        Raises:
            RefusedError: The step is not open.
            SpecError: The registry holds no such experiment.
        """
        life = self.life(key)
        answer = asked(key, State.DRAFT if life is None else life.state, verb)
        match answer:
            case Allowed(to=to):
                return life, to
            case refused:
                raise refusal(refused.rule, refused.says, refused.remedy)

    def moved(self, key: str, verb: Verb) -> tuple[Life, State]:
        """The same of an experiment that was registered: nothing but `register` is open to a draft.

        Raises:
            RefusedError: The step is not open.
            StoreError: The table opens it to drafts.
        """
        life, to = self.open(key, verb)
        if life is None:  # pragma: no cover  # the table opens drafts to `register` alone, and a test says so
            raise StoreError(f"{key!r} has no life yet; run `splitrun register {key}`")
        return life, to

    def repeated(self, key: str, verb: Verb) -> Life | None:
        """The life whose last step was this very one: same verb, same actor, same reason."""
        life = self.life(key)
        details = details_of(life)
        same = (details.verb, details.reason) == (verb.value, self.reason)
        return life if life is not None and same and life.actor == self.actor else None

    def plans(self, key: str, version: int | None = None) -> tuple[SealedPlan, ...]:
        """The sealed plans of an experiment, of all versions or one."""
        return tuple(one for one in self.registry.plans(self.project, key) if version in {None, one.version})

    def in_force(self, life: Life) -> tuple[SealedPlan, Plan]:
        """The sealed plan in force, as it is kept and read back.

        Raises:
            StoreError: It is not there, or cannot be read.
        """
        for one in reversed(self.plans(life.experiment, life.version)):
            if one.digest == life.plan:
                return one, reopened(one.body)
        raise StoreError(
            f"the plan {life.plan} of {life.experiment!r} is not among the sealed ones; "
            "run `splitrun audit verify`, then restore a backup"
        )

    def details(self, verb: Verb, before: Details) -> Details:
        """What is kept beside the state after a step."""
        return Details(verb.value, self.reason, before.agreed, before.decided)


@contextmanager
def footing(wanted: Asked, verb: Verb) -> Iterator[Footing]:
    """Open the registry for a step.

    Args:
        wanted: Who asks, where and why.
        verb: The step.

    Raises:
        RefusedError: Nobody is named, or no reason is given.
        SpecError: There is no project or environment, or the definitions have mistakes.
        StoreError: The registry refuses.
    """
    actor, reason = actor_of(wanted.actor).strip(), wanted.reason.strip()
    if not actor:
        raise refusal(Rule.REASON, f"nobody is named who wants to {verb.value}", "name yourself with --actor")
    if why := illegible(actor):
        strange = f"the name {actor[:60]!a} cannot be told from others: {why}"
        raise refusal(Rule.REASON, strange, "write the name as people read it, with --actor")
    if not reason:
        silent = f"no reason is given to {verb.value}"
        raise refusal(Rule.REASON, silent, "say why with --reason; it stands in the audit chain")
    now = wanted.desk.now()
    where = home(wanted.place)
    with where.registry(now) as registry:
        says, settings, environment = surroundings(registry, where.root, wanted.environment)
        yield Footing(where, registry, says, settings, environment, actor, reason, now)


def surroundings(registry: SqlRegistry, root: Path, environment: str | None) -> tuple[Folder, Project, str]:
    """Read the definitions that a registry keeps, the settings, and the environment that is meant.

    Raises:
        SpecError: Nothing was applied, the definitions have mistakes, or there is no such environment.
    """
    project = workspace(root, (PROJECT,)).says.project
    says = definitions_of(registry, "" if project is None else project.project)
    if says.mistakes:
        raise SpecError(says.mistakes)
    if says.project is None:
        name = "" if project is None else f" of project {project.project!r}"
        raise SpecError([Mistake(f"the registry holds nothing{name} yet", "run `splitrun apply` first")])
    return says, says.project, chosen(says.project.environments, environment)


def chosen(known: Sequence[str], wanted: str | None) -> str:
    """Give the environment that is meant.

    Raises:
        SpecError: The project has none of this name.
    """
    if wanted is None:
        return known[0]
    if wanted not in known:
        says = f"there is no environment {wanted[:60]!r} in splitrun.yaml"
        raise SpecError([Mistake(says, suggested(wanted, known), "environment")])
    return wanted
