"""Wishes of people over HTTP: to take no part, and to take part again."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from splitrun.assign.slots import LONGEST
from splitrun.serve.api import verbs
from splitrun.serve.api.answering import Operated, operation
from splitrun.serve.api.call import Call
from splitrun.store.access.keys import Scope

__all__ = ["ENDPOINTS"]


class Wishing(Struct, frozen=True, forbid_unknown_fields=True):
    """Which unit wishes to take no part, or to take part again."""

    unit: Annotated[str, Meta(min_length=1, max_length=LONGEST)]
    unit_type: Annotated[str, Meta(min_length=1, max_length=256)] | None = field(default=None, name="type")
    undo: bool = False


def opted(call: Call[Wishing]) -> dict[str, object]:
    """Keep nothing more of a unit; or let it in again."""
    said = call.body
    units = verbs.meant([said.unit], said.unit_type, call.root)
    return {**verbs.opted_form(verbs.opt_out(units, call.root, undo=said.undo, desk=call.desk))}


ENDPOINTS = (
    operation("POST", "/v1/opt-outs", Scope.PEOPLE, "Opt a unit out, or in again", Operated(Wishing, opted)),
)
