"""Things that have a name, and where they stand; a name stands for one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from splitrun.errors import Mistake
from splitrun.spec.written.document import Site

__all__ = ["Defined", "added"]

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Defined(Generic[T_co]):
    """A definition, and where it stands."""

    value: T_co
    site: Site


def added(known: dict[str, Defined[T_co]], more: Mapping[str, T_co], site: Site) -> list[Mistake]:
    """Add definitions to those that are known; refuse the second of one name."""
    mistakes = []
    for key, value in more.items():
        if key in known:
            first = known[key].site.document
            says = f"{key!r} is defined here again; it stands in {first.file} already"
            mistakes.append(
                site.document.mistake((*site.path, key), says, "rename or drop one of them", at_key=True)
            )
        else:
            known[key] = Defined(value, site / key)
    return mistakes
