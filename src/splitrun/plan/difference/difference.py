"""The difference between two sets of definitions, document by document, with what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from splitrun.plan.difference.consequences import Case, Consequence, Risk, Run, consequences
from splitrun.plan.difference.fields import Field, differing
from splitrun.plan.difference.side import EXPERIMENT, LIST, Name, Side
from splitrun.plan.difference.uses import used
from splitrun.spec.model import Choice

__all__ = ["Difference", "Sign", "Step", "User", "difference"]


class Sign(Choice):
    """What happens to a document."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class User:
    """An experiment that rests on a document."""

    experiment: str
    stands: str
    """`running in production`; `draft` where it has no life yet."""


@dataclass(frozen=True, slots=True)
class Step:
    """One document that differs."""

    kind: str
    key: str
    sign: Sign
    fields: tuple[Field, ...] = ()
    """Where it differs; none where the whole is new or gone."""
    users: tuple[User, ...] = ()
    consequences: tuple[Consequence, ...] = ()

    @property
    def risk(self) -> Risk:
        """The gravest of what follows."""
        told = {one.risk for one in self.consequences}
        return next((risk for risk in (Risk.REFUSED, Risk.AMENDMENT) if risk in told), Risk.SAFE)


@dataclass(frozen=True, slots=True)
class Difference:
    """All documents that differ, by kind and key."""

    steps: tuple[Step, ...]

    @property
    def unsafe(self) -> tuple[Consequence, ...]:
        """What keeps the difference from being applied."""
        told = (one for step in self.steps for one in step.consequences)
        return tuple(dict.fromkeys(one for one in told if one.blocks))

    def count(self, what: Sign | Risk) -> int:
        """How many documents are added, changed or removed, or stand under a risk."""
        return sum(what in {step.sign, step.risk} for step in self.steps)


def difference(before: Side, after: Side, runs: Iterable[Run] = ()) -> Difference:
    """Hold two sets of definitions against each other.

    Args:
        before: What is kept.
        after: What is to be kept.
        runs: Where experiments stand, in every environment.

    Returns:
        What differs in meaning. The order of keys, formatting, defaults written out, and other ways of
        writing the same amount are no difference.
    """
    lives: dict[str, tuple[Run, ...]] = {}
    for run in runs:
        lives[run.experiment] = (*lives.get(run.experiment, ()), run)
    keys = sorted({*before.says.experiments, *after.says.experiments, *lives})
    rests = {key: used(before, key) | used(after, key) | {(EXPERIMENT, key)} for key in keys}
    names = sorted({*before.values, *after.values})
    found = []
    for name in names:
        sign = signed(name, before, after)
        if sign is None:
            continue
        fields = changed(name, before, after) if sign is Sign.CHANGED else ()
        if sign is Sign.CHANGED and not fields:
            continue
        resting = [key for key in keys if name in rests[key] or name[0] == "project"]
        told = [
            one
            for key in resting
            if key in lives
            for one in consequences(Case(name, fields, before, after, lives[key]))
        ]
        users = () if name[0] == "project" else tuple(standing(resting, name, lives))
        found.append(Step(*name, sign, fields, users, tuple(told)))
    return Difference(tuple(found))


def signed(name: Name, before: Side, after: Side) -> Sign | None:
    """Say what happens to a document, if anything may."""
    if name not in before.values:
        return Sign.ADDED
    if name not in after.values:
        return Sign.REMOVED
    return None if identical(before.values[name], after.values[name]) else Sign.CHANGED


def identical(before: object, after: object) -> bool:
    """Whether two values were written alike, in the same order too: then nothing has to be read."""
    return repr(before) == repr(after)


def changed(name: Name, before: Side, after: Side) -> tuple[Field, ...]:
    """Say where a document differs; ids on a list are counted and never shown."""
    fields = differing(*((side.meant(name), side.values[name]) for side in (before, after)))
    if name[0] == LIST:
        return listed(name[1], fields, before, after)
    orders = [order(name, side) for side in (before, after)]
    if not fields and orders[0] != orders[1]:
        return (Field(("variants" if name[0] == EXPERIMENT else "units",), *map(", ".join, orders)),)
    return fields


def order(name: Name, side: Side) -> tuple[str, ...]:
    """The order that says something: in which treatments are dealt, and which unit type is the default."""
    if name[0] == EXPERIMENT:
        found = side.experiment(name[1])
        return () if found is None else tuple(key for key in found.variants if key != "control")
    if name[0] == "project" and side.says.project is not None:
        return tuple(side.says.project.units)[:1]
    return ()


def listed(key: str, fields: tuple[Field, ...], before: Side, after: Side) -> tuple[Field, ...]:
    """Count the units of a list."""
    kept = tuple(field for field in fields if field.path[:1] != ("ids",))
    if kept == fields:
        return fields
    was, now = before.units(key), after.units(key)
    return (*kept, Field(("ids",), f"{was:,} units", f"{now:,} units" if was != now else f"{now:,} others"))


def standing(keys: Iterable[str], name: Name, lives: dict[str, tuple[Run, ...]]) -> Iterator[User]:
    """Name the experiments that rest on a document, with where they stand; it does not rest on itself."""
    for key in keys:
        runs = ", ".join(f"{run.state} in {run.environment}" for run in lives.get(key, ()))
        if name != (EXPERIMENT, key) or runs:
            yield User(key, runs or "draft")
