"""Files held against the registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from splitrun.conduct.definitions.kept import opened, written
from splitrun.conduct.definitions.shelves import Bodies, Name
from splitrun.conduct.desk import Desk
from splitrun.conduct.lint import lint
from splitrun.conduct.registry.place import Home, home
from splitrun.errors import Mistake, SpecError
from splitrun.plan.difference.consequences import Run
from splitrun.plan.difference.difference import Difference, difference
from splitrun.plan.difference.side import Side
from splitrun.report.differences.shown import About
from splitrun.spec.written.body import value_of
from splitrun.spec.written.fields import suggested
from splitrun.store.registry.documents import Document, Kind
from splitrun.store.registry.memory import InMemory
from splitrun.store.registry.registry import Registry

__all__ = ["Compared", "against", "checked", "differing", "reading", "side"]


@dataclass(frozen=True, slots=True)
class Compared:
    """What the files say, what the registry keeps, and the difference."""

    about: About
    difference: Difference
    documents: Mapping[Name, Document]
    """As they were read."""
    files: Bodies

    @property
    def same(self) -> bool:
        """Whether nothing differs: files from registry, and what it serves from what it gives."""
        return not self.difference.steps and not self.about.unserved


def checked(place: Path, desk: Desk) -> dict[Name, str]:
    """Read the files, once nothing is wrong with them.

    Raises:
        SpecError: All mistakes.
    """
    desk.progress("reading the files")
    home(place)
    lint([place])
    return written(place)


@contextmanager
def reading(around: Home) -> Iterator[Registry]:
    """A registry to read; an empty one where nobody has written yet."""
    if around.unwritten:
        yield InMemory()
        return
    with around.registry() as registry:
        yield registry


def against(registry: Registry, files: Bodies, where: str, environment: str | None = None) -> Compared:
    """Hold what files define against a registry.

    Raises:
        SpecError: There is no such environment.
        StoreError: The database refuses.
    """
    project = project_of(files)
    documents = {(one.kind, one.key): one for one in registry.documents(project)}
    before = side({name: one.body for name, one in documents.items()})
    after = side(files)
    known = tuple(dict.fromkeys((*environments(after), *environments(before))))
    if environment is not None and environment not in known:
        says = f"there is no environment {environment[:60]!r} in splitrun.yaml"
        raise SpecError([Mistake(says, suggested(environment, known))])
    wanted = known if environment is None else (environment,)
    runs = [
        Run(life.experiment, life.environment, life.state.value)
        for name in wanted
        for life in registry.lives(project, name)
    ]
    found = difference(before, after, runs)
    about = About(project, where, () if documents else registry.projects())
    return Compared(about, found, documents, files)


def differing(registry: Registry, files: Bodies) -> tuple[Name, ...]:
    """Name the definitions that files and registry mean differently; how they are written is no matter.

    Raises:
        StoreError: The database refuses.
    """
    found = against(registry, files, "").difference
    return tuple((Kind(step.kind), step.key) for step in found.steps)


def project_of(files: Bodies) -> str:
    """The name of the project that files define."""
    return next(key for kind, key in files if kind is Kind.PROJECT)


def environments(one: Side) -> tuple[str, ...]:
    """The environments that a side knows."""
    return () if one.says.project is None else one.says.project.environments


def side(bodies: Bodies) -> Side:
    """Read a set of definitions, to be held against another.

    Raises:
        StoreError: A body is no JSON.
    """
    says = opened(bodies)
    return Side(says, {(kind.value, key): value_of(body) for (kind, key), body in bodies.items()})
