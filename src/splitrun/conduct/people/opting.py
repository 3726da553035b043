"""Opt units out, and in again. Nobody is told by name: neither the list nor the audit chain holds an id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from splitrun.conduct.desk import Desk
from splitrun.conduct.people.place import keys_of
from splitrun.conduct.registry.place import home
from splitrun.errors import Mistake, RefusedError
from splitrun.sdk.event import Unit
from splitrun.store.canonical import Json
from splitrun.store.people.marks import Kind, Mark
from splitrun.store.people.place import marks_at

__all__ = ["Opted", "opt_out", "opted_form"]


@dataclass(frozen=True, slots=True)
class Opted:
    """What became of a wish."""

    units: int
    changed: int
    """Of which the list did not say so before."""
    out: bool
    """Whether they are out now; else they are in again."""


def opt_out(units: Sequence[Unit], place: Path, *, undo: bool = False, desk: Desk | None = None) -> Opted:
    """Keep nothing more of units, and leave them out of every reading from now on; or let them in again.

    Servers heed it within a second. Asked again, it changes nothing.

    Args:
        units: Which.
        place: A folder of the project.
        undo: Whether they opt in again.
        desk: The clock.

    Raises:
        SpecError: There is no project.
        RefusedError: One that is to opt in again was forgotten; none was let in.
        StoreError: The list or a key cannot be used.
    """
    root, day = home(place).root, (desk or Desk()).now().date().isoformat()
    marks = marks_at(root)
    keys = {} if undo else keys_of(root, units)
    with marks.changing() as listed:
        named = {marks.token(unit): unit for unit in units}
        there = [token for token in named if token in listed]
        if not undo:
            for token, unit in named.items():
                if token not in listed:
                    listed[token] = Mark(Kind.OUT, day, marks.sealed(token, keys[unit]))
            return Opted(len(named), len(named) - len(there), out=True)
        if any(listed[token].kind is Kind.GONE for token in there):
            says = "who was forgotten cannot opt in again: late copies of old events would come back"
            raise RefusedError([Mistake(says, "give it a new id")])
        for token in there:
            del listed[token]
    return Opted(len(named), len(there), out=False)


def opted_form(done: Opted) -> dict[str, Json]:
    """Write what became of a wish in its documented form."""
    return {
        "form": "splitrun.opted/1",
        "units": done.units,
        "changed": done.changed,
        "state": "out" if done.out else "in",
    }
