"""Flags, layers, holdouts, audiences and lists, gathered from the files of a project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from splitrun.errors import Mistake, SpecError
from splitrun.plan.defined import Defined, added
from splitrun.spec.flag import Flag, Holdout, Ids, Layer, Switchboard
from splitrun.spec.written.document import Site, Written

__all__ = ["Board", "board"]


@dataclass(frozen=True, slots=True)
class Board:
    """What flags/*.yaml define, by name."""

    flags: Mapping[str, Defined[Flag]] = field(default_factory=dict)
    layers: Mapping[str, Defined[Layer]] = field(default_factory=dict)
    holdouts: Mapping[str, Defined[Holdout]] = field(default_factory=dict)
    audiences: Mapping[str, Defined[str]] = field(default_factory=dict)
    lists: Mapping[str, Defined[Ids]] = field(default_factory=dict)


def board(files: Iterable[Written[Switchboard]]) -> Board:
    """Gather what the files define; a name stands for one thing of its kind.

    Raises:
        SpecError: A name is defined twice; all of them.
    """
    flags: dict[str, Defined[Flag]] = {}
    layers: dict[str, Defined[Layer]] = {}
    holdouts: dict[str, Defined[Holdout]] = {}
    audiences: dict[str, Defined[str]] = {}
    lists: dict[str, Defined[Ids]] = {}
    mistakes: list[Mistake] = []
    for file in files:
        top, said = Site(file.document, ()), file.value
        mistakes += added(flags, said.flags, top / "flags")
        mistakes += added(layers, said.layers, top / "layers")
        mistakes += added(holdouts, said.holdouts, top / "holdouts")
        mistakes += added(audiences, said.audiences, top / "audiences")
        mistakes += added(lists, said.lists, top / "lists")
    if mistakes:
        raise SpecError(mistakes)
    return Board(flags, layers, holdouts, audiences, lists)
