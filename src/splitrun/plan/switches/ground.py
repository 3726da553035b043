"""What rulesets are made from, brought together: the board, the experiments that run, the settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from splitrun.errors import Mistake
from splitrun.plan.library import Library
from splitrun.plan.switches.board import Board
from splitrun.spec.amount import exact
from splitrun.spec.experiment import Experiment
from splitrun.spec.flag import Flag, FlagType, RunRule
from splitrun.spec.project import Project
from splitrun.spec.written.document import Site
from splitrun.spec.written.fields import suggested
from splitrun.terms.tree import Tree

__all__ = ["USER", "Ground", "Running", "Standing", "known_unit", "meant", "runs", "unit_of", "variants_of"]

USER = "user"
"""The unit type where nothing says otherwise."""

ON_AND_OFF: Mapping[str, object] = {"on": True, "off": False}
"""Variants of a boolean flag that names none."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an experiment stands, where that is kept outside its file."""

    version: int
    phase: int = 1
    coverage: Fraction | None = None
    """What a ramp has come to; none: what the file says."""
    enrolling: bool = True


@dataclass(frozen=True, slots=True)
class Running:
    """An experiment that is dealt here."""

    key: str
    experiment: Experiment
    site: Site
    standing: Standing | None = None

    @property
    def version(self) -> int:
        """Which deal of the units."""
        return self.standing.version if self.standing else self.experiment.version

    @property
    def coverage(self) -> Fraction:
        """Share of eligible units enrolled; where nothing is said, the ramp's first step, else all."""
        if self.standing and self.standing.coverage is not None:
            return self.standing.coverage
        said = self.experiment.coverage or next((step.coverage for step in self.experiment.ramp), 1)
        return exact(said)


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything a ruleset is made from."""

    project: Project | None
    board: Board
    library: Library
    running: Mapping[str, Running]
    known: frozenset[str]
    """Keys of all experiments of the project, also of those that do not run or could not be read."""
    idle: frozenset[str]
    """Keys of those that Splitrun does not deal: they run on no flag and set no parameters."""
    environment: str
    files: Mapping[str, str | bytes]
    """Files of ids by path."""
    audiences: Mapping[str, Tree]
    """What the names of audiences stand for."""
    partial: bool = False
    """Whether some experiment could not be read: a name that is not known may be its."""

    def absent(self, key: str) -> bool:
        """Whether there is surely no experiment of this key."""
        return key not in self.known and not self.partial


def unit_of(ground: Ground, flag: Flag) -> str:
    """Give the unit type that a flag is asked with."""
    units = ground.project.units if ground.project else {}
    return flag.unit or next(iter(units), USER)


def variants_of(flag: Flag) -> Mapping[str, object]:
    """Give the variants of a flag."""
    return flag.variants or (ON_AND_OFF if flag.type is FlagType.BOOLEAN else {})


def meant(said: object, variants: Mapping[str, object]) -> str | None:
    """Give the variant that is named by its key, or by a value that only it serves."""
    if type(said) is str and said in variants:
        return said
    serving = [key for key, value in variants.items() if same(value, said)]
    return serving[0] if len(serving) == 1 else None


def same(one: object, other: object) -> bool:
    """Whether two values are the same to a product: true is not 1, and 1 is 1.0."""
    numbers = (int, float)
    if type(one) in numbers and type(other) in numbers:
        return one == other
    return type(one) is type(other) and one == other


def runs(flag: Flag) -> Iterator[tuple[int, str]]:
    """Name the experiments that a flag asks, each with the place of its rule."""
    for index, rule in enumerate(flag.rules):
        match rule:
            case RunRule(experiment=key):
                yield index, key
            case _:
                pass


def known_unit(ground: Ground, unit: str | None, site: Site, *path: str) -> Iterator[Mistake]:
    """A unit type is one of those that the project declares, where it declares any."""
    units = ground.project.units if ground.project else {}
    if unit is not None and units and unit not in units:
        says = f"there is no unit type {unit!r} in splitrun.yaml"
        yield site.mistake(says, suggested(unit, units), *path)
