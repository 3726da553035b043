"""Flags and experiments compiled into the ruleset of one environment; everything wrong with them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from msgspec import json

from splitrun.assign.ruleset import Ruleset
from splitrun.assign.sound import sound
from splitrun.assign.transmission import LONGEST, sealed
from splitrun.errors import Mistake, RulesetError, SpecError
from splitrun.plan.library import Library
from splitrun.plan.seal import resolved
from splitrun.plan.switches.audiences import audience_mistakes, meanings
from splitrun.plan.switches.board import Board
from splitrun.plan.switches.experiments import experiment, experiment_mistakes
from splitrun.plan.switches.flags import flag, flag_mistakes, ring_mistakes
from splitrun.plan.switches.ground import USER, Ground, Running, Standing, unit_of
from splitrun.plan.switches.layers import holdout, holdout_mistakes, layer, layer_mistakes
from splitrun.plan.switches.lists import id_list, list_mistakes
from splitrun.spec.project import Project
from splitrun.spec.reading import Draft
from splitrun.spec.written.document import Site
from splitrun.spec.written.fields import suggested

__all__ = ["Publication", "Standing", "compiled"]

ENVIRONMENT = "production"


@dataclass(frozen=True, slots=True)
class Publication:
    """For whom a ruleset is made, and what does not stand in the project's files."""

    environment: str | None = None
    """None: the first of the project's."""
    version: int = 1
    """Grows with every publication."""
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    """Files of ids, by path from the project's folder."""
    standing: Mapping[str, Standing] | None = None
    """The experiments that run, by key; None: all that are dealt here, as their files say."""
    partial: bool = False
    """Whether some experiment could not be read: what names one that is not known is not held against it."""


def compiled(
    project: Project | None,
    experiments: Mapping[str, Draft],
    board: Board,
    library: Library | None = None,
    publication: Publication | None = None,
) -> Ruleset:
    """Compile flags and experiments into a ruleset; the same files give the same ruleset.

    Args:
        project: The project's settings.
        experiments: Its experiments by key. Those run that name a flag, or set parameters of a layer.
        board: What flags/*.yaml define.
        library: Where experiments find the segments they name.
        publication: For whom, and what does not stand in the files.

    Raises:
        SpecError: All mistakes.
    """
    wanted = publication or Publication()
    shelf = library or Library()
    running, idle, mistakes = dealt(experiments, shelf, wanted.standing)
    environment, more = environment_of(project, wanted.environment)
    ground = Ground(
        project=project,
        board=board,
        library=shelf,
        running=running,
        known=frozenset(experiments),
        idle=idle,
        environment=environment,
        files=wanted.files,
        audiences=meanings(board.audiences),
        partial=wanted.partial,
    )
    mistakes += [*more, *everything(ground)]
    if mistakes:
        raise SpecError(list(dict.fromkeys(mistakes)))
    return bounded(ruleset(ground, wanted.version))


def dealt(
    experiments: Mapping[str, Draft], library: Library, standing: Mapping[str, Standing] | None
) -> tuple[dict[str, Running], frozenset[str], list[Mistake]]:
    """Give the experiments that are dealt here, those that never are, and why others cannot be read."""
    running: dict[str, Running] = {}
    idle: set[str] = set()
    mistakes: list[Mistake] = []
    for key, draft in experiments.items():
        if standing is not None and key not in standing:
            continue
        try:
            whole = resolved(draft, experiments, library)
        except SpecError as error:
            mistakes += error.mistakes
            continue
        if not whole.value.delivered:
            idle.add(key)
        else:
            stands = None if standing is None else standing[key]
            running[key] = Running(key, whole.value, Site(whole.document, ()), stands)
    return running, frozenset(idle), mistakes


def environment_of(project: Project | None, wanted: str | None) -> tuple[str, list[Mistake]]:
    """Give the environment that is meant; the first of the project's where none is."""
    known = project.environments if project else (ENVIRONMENT,)
    if wanted is None:
        return known[0], []
    says = f"there is no environment {wanted[:60]!r} in splitrun.yaml"
    return wanted, [] if wanted in known else [Mistake(says, suggested(wanted, known))]


def everything(ground: Ground) -> Iterator[Mistake]:
    """Give everything that is wrong."""
    board = ground.board
    yield from audience_mistakes(board.audiences)
    yield from ring_mistakes(ground)
    for key in board.flags:
        yield from flag_mistakes(ground, key)
    for key in board.layers:
        yield from layer_mistakes(ground, key)
    for key in board.holdouts:
        yield from holdout_mistakes(ground, key)
    for key in board.lists:
        yield from list_mistakes(ground, key)
    for one in ground.running.values():
        yield from experiment_mistakes(ground, one)


def ruleset(ground: Ground, version: int) -> Ruleset:
    """Put the pieces together, of a project in which nothing is wrong."""
    board = ground.board
    return Ruleset(
        project=ground.project.project if ground.project else "",
        environment=ground.environment,
        version=version,
        units=units(ground),
        timezone=(ground.project.timezone if ground.project else None) or "UTC",
        flags={key: flag(ground, key) for key in board.flags},
        experiments={key: experiment(ground, one) for key, one in ground.running.items()},
        layers={key: layer(ground, key) for key in board.layers},
        holdouts={key: holdout(ground, key) for key in board.holdouts},
        lists={key: id_list(ground, key) for key in board.lists},
    )


def units(ground: Ground) -> dict[str, str]:
    """Give the unit types, and the attribute that holds the id of each: its `key`, else its own name."""
    if ground.project and ground.project.units:
        return {name: said.key or name for name, said in ground.project.units.items()}
    board = ground.board
    used = (
        *(unit_of(ground, one.value) for one in board.flags.values()),
        *(one.value.unit for one in board.layers.values()),
        *(one.value.unit for one in board.holdouts.values()),
        *(one.experiment.unit for one in ground.running.values()),
    )
    return {name: name for name in dict.fromkeys(used)} or {USER: USER}


def bounded(made: Ruleset) -> Ruleset:
    """Refuse a ruleset that clients would refuse.

    Raises:
        SpecError: It is too large, or asks too much.
    """
    try:
        sound(made)
    except RulesetError as refused:
        says, _, remedy = str(refused).rpartition("; ")
        raise SpecError([Mistake(says, remedy)]) from refused
    size = len(sealed(made))
    if size <= LONGEST:
        return made
    parts = {
        "flags": made.flags,
        "experiments": made.experiments,
        "layers": made.layers,
        "lists": made.lists,
    }
    largest = max(parts, key=lambda name: len(json.encode(parts[name])))
    says = f"the ruleset has {size:,} bytes; clients take at most {LONGEST:,}"
    raise SpecError([Mistake(says, f"make the {largest} smaller; they are the largest part of it")])
