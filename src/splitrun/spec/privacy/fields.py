"""The data map: every field that an installation keeps, with its policy."""

from __future__ import annotations

from dataclasses import dataclass

from splitrun.spec.privacy.held import Classification, Controller

__all__ = ["DataMap", "Policy", "Stored"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a field is kept for."""

    purpose: str
    classification: Classification
    consumers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """A field of a store."""

    store: str
    """Like `lake/events`."""
    field: str
    holds: str
    """Its type, as the store has it."""
    retention: str
    """Like `13mo`, or in words."""
    policy: Policy | None
    """None: nobody has said what it is for."""


@dataclass(frozen=True, slots=True)
class DataMap:
    """Every field that an installation keeps."""

    project: str
    environments: tuple[str, ...]
    controller: Controller | None
    properties: str
    """Which properties of events are taken: `declared`, or `any`."""
    ids: str
    """`pseudonym`, or what else stands for ids in the lake."""
    consent: str
    fields: tuple[Stored, ...]
    waived: str = ""
    """Why fields may be without a policy; empty: they may not."""

    @property
    def gaps(self) -> tuple[Stored, ...]:
        """The fields that have no policy."""
        return tuple(one for one in self.fields if one.policy is None)
