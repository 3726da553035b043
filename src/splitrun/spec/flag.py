"""Flags and what divides units among experiments: layers, holdouts, audiences, lists (flags/*.yaml)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from splitrun.spec.amount import Share
from splitrun.spec.model import Choice, Condition, Key, Model, Note, Sentence

__all__ = [
    "LONGEST_LIST",
    "ByList",
    "Flag",
    "FlagType",
    "Here",
    "Holdout",
    "Ids",
    "Layer",
    "ListOfIds",
    "Range",
    "Rule",
    "RunRule",
    "Scalar",
    "ServeRule",
    "Slots",
    "Switchboard",
    "Wanted",
]

LONGEST_LIST = 20_000
"""Ids of one list; more units are told by an attribute."""

Scalar = str | int | float | bool
"""What names a variant: its key, or the value that it serves."""

Id = Annotated[str, Field(min_length=1, max_length=4_096)]
"""A unit's id, as the product knows it."""

Salt = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{8,128}$")]
"""Text that ids are hashed with."""


class FlagType(Choice):
    """What a flag serves."""

    BOOLEAN = "boolean"
    STRING = "string"
    NUMBER = "number"
    OBJECT = "object"


class ByList(Model):
    """Units by name."""

    list: Key
    """The name of a list of ids."""


class ServeRule(Model):
    """Serves one variant to those that match; without conditions, to everybody."""

    serve: Scalar
    """A variant of the flag: its key, or its value."""
    to: ByList | None = None
    """Units of a list, whatever the rules say; such rules stand first."""
    when: Condition | None = None
    """Which units it is for."""
    audience: Key | None = None
    """Which units it is for, as an audience by name; with `when`, both must hold."""
    coverage: Share | None = None
    """Share of those units; it may grow and takes nobody out. The others go on to the next rule."""


class RunRule(Model):
    """Asks an experiment; units that are not in it go on to the next rule."""

    experiment: Key
    """The experiment's key."""


def rule_tag(written: object) -> str:
    """Say which form a rule has."""
    match written:
        case dict() if "experiment" in written:
            return "asks an experiment"
        case RunRule():
            return "asks an experiment"
        case _:
            return "serves a variant"


Rule = Annotated[
    Annotated[RunRule, Tag("asks an experiment")] | Annotated[ServeRule, Tag("serves a variant")],
    Discriminator(rule_tag),
]
"""`{serve: VARIANT, ...}` or `{experiment: KEY}`."""


def wanted_tag(written: object) -> str:
    """Say whether one variant is wanted, or one of several."""
    match written:
        case tuple() | list():
            return "one of several"
        case _:
            return "one variant"


Wanted = Annotated[
    Annotated[Scalar, Tag("one variant")]
    | Annotated[tuple[Scalar, ...], Field(min_length=1), Tag("one of several")],
    Discriminator(wanted_tag),
]
"""A variant of another flag, or a list of them."""


class Here(Model):
    """What is different in one environment."""

    on: bool
    """Whether the flag is on there."""


class Flag(Model):
    """A switch in the product, with typed variants and a default."""

    type: FlagType
    """boolean, string, number or object."""
    unit: Key | None = None
    """The unit type whose id the product asks with; none: the first of splitrun.yaml, else `user`."""
    variants: Annotated[dict[Key, object], Field(max_length=100)] = Field(default_factory=dict)
    """What each variant serves, by name; a boolean flag that names none has `on` and `off`."""
    default: Scalar
    """The variant of those that no rule takes."""
    on: bool = True
    """False serves the default to everybody: the kill switch."""
    environments: dict[Key, Here] = Field(default_factory=dict)
    """What is different in some environments, like {staging: {on: true}}."""
    archived: bool = False
    """True keeps the name, serves the default and is no longer to be asked."""
    owner: Note | None = None
    """Who answers for it; it never leaves the project."""
    describe: Sentence | None = None
    """What it switches; it never leaves the project."""
    requires: dict[Key, Wanted] = Field(default_factory=dict)
    """Flags that must serve one of these variants; where one does not, the default is served."""
    rules: Annotated[tuple[Rule, ...], Field(max_length=200)] = ()
    """In order; the first that takes the unit answers."""


Range = Annotated[tuple[Share, ...], Field(min_length=2, max_length=2)]
"""From one share of the layer up to another."""


def slots_tag(written: object) -> str:
    """Say whether one range is written, or several."""
    match written:
        case [tuple() | list(), *_]:
            return "several ranges"
        case _:
            return "one range"


Slots = Annotated[
    Annotated[Range, Tag("one range")] | Annotated[tuple[Range, ...], Tag("several ranges")],
    Discriminator(slots_tag),
]
"""[0%, 40%], or several such ranges."""


class Layer(Model):
    """A partition of units within which experiments exclude each other."""

    unit: Key
    """The unit type that is divided."""
    slots: dict[Key, Slots] = Field(default_factory=dict)
    """The part of the layer that belongs to each experiment, like [0%, 40%]; fixed while it runs."""
    parameters: dict[Key, object] = Field(default_factory=dict)
    """Parameters that code reads from the layer, with their defaults; a default's type is the parameter's."""


class Holdout(Model):
    """Units kept from a set of experiments, to measure their sum."""

    unit: Key
    """The unit type that is kept."""
    share: Share
    """Share of units kept; fixed while one of the experiments runs."""
    experiments: Annotated[tuple[Key, ...], Field(min_length=1)]
    """The experiments they are kept from."""


class ListOfIds(Model):
    """Unit ids, in the file itself or in one of their own; rulesets carry them as salted hashes."""

    ids: Annotated[tuple[Id, ...] | None, Field(max_length=LONGEST_LIST)] = None
    """Ids, in quotes where they look like numbers."""
    file: Note | None = None
    """A file of the project with an id on each line."""
    salt: Salt | None = None
    """What ids are hashed with; none: `list:PROJECT:NAME`."""
    hashed: bool = False
    """True where hashes made with `salt` stand instead of ids: so the registry keeps lists."""


def list_tag(written: object) -> str:
    """Say whether a list is written out."""
    match written:
        case dict() | ListOfIds():
            return "described"
        case _:
            return "ids alone"


Ids = Annotated[
    Annotated[tuple[Id, ...], Field(min_length=1, max_length=LONGEST_LIST), Tag("ids alone")]
    | Annotated[ListOfIds, Tag("described")],
    Discriminator(list_tag),
]
"""[id, id], or a `ListOfIds`."""


class Switchboard(Model):
    """Flags and what divides units among experiments: flags/*.yaml."""

    flags: dict[Key, Flag] = Field(default_factory=dict)
    """Flags by name."""
    layers: dict[Key, Layer] = Field(default_factory=dict)
    """Layers by name."""
    holdouts: dict[Key, Holdout] = Field(default_factory=dict)
    """Holdouts by name."""
    audiences: dict[Key, Condition] = Field(default_factory=dict)
    """Conditions by name; the name stands for it in every audience and `when`."""
    lists: dict[Key, Ids] = Field(default_factory=dict)
    """Lists of unit ids by name."""
