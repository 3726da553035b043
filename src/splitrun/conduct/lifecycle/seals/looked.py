"""What had been seen of an experiment: its looks, as the audit chain has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from splitrun.conduct.lifecycle.footing import Footing
from splitrun.store.canonical import Json
from splitrun.store.registry.asked import object_of
from splitrun.store.registry.documents import Life

__all__ = ["Look", "Seen", "looks", "seen"]

VERB = "look"


@dataclass(frozen=True, slots=True)
class Look:
    """One look at an experiment."""

    entry: int
    at: str
    readout: str
    """Digest of the readout."""
    plan: str
    effects: bool
    """Whether it showed effects, and not health alone."""
    judged: bool
    """Whether any primary metric had a verdict; looks that do not say so are taken by their effects."""
    exposed: int
    """Units that were exposed."""
    decision: str | None
    """What the sealed rule decided; None where it decided nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What had been seen of one version."""

    looks: int
    effects: bool
    units: int


def looks(footing: Footing, life: Life) -> tuple[Look, ...]:
    """The looks at the version of an experiment that has this life, in an environment, from the first."""
    plans = {one.digest for one in footing.plans(life.experiment, life.version)}
    subject = f"experiment/{life.experiment}"
    found = (
        look(one.number, one.at, object_of(one.content))
        for one in footing.registry.believed(footing.project, subject)
        if one.verb == VERB and one.environment in {None, footing.environment}
    )
    return tuple(one for one in found if one.plan in plans)


def look(entry: int, at: str, said: Mapping[str, Json]) -> Look:
    """Read what a look says; one that does not say so showed effects."""
    exposed, effects = said.get("exposed"), said.get("effects") is not False
    return Look(
        entry,
        at,
        readout=word(said.get("readout")),
        plan=word(said.get("plan")),
        effects=effects,
        judged=said.get("judged", effects) is True,
        exposed=exposed if type(exposed) is int else 0,
        decision=word(said.get("decision")) or None,
    )


def word(value: Json) -> str:
    """A text; empty where there is none."""
    return value if type(value) is str else ""


def seen(found: tuple[Look, ...]) -> Seen:
    """Sum up looks; units are those of the last that counted any."""
    units = next((one.exposed for one in reversed(found) if one.exposed), 0)
    return Seen(len(found), any(one.effects for one in found), units)
