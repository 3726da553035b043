"""Variants that stay with a unit whose id or attributes change. Opt-in; without it nothing is stored.

A kept variant answers in place of audience, coverage and variant. It never overrules what keeps experiments
apart, holdouts and layers, nor a coverage of zero, which is how an experiment is stopped.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Protocol

__all__ = ["Kept", "Sticky", "Unkept"]


class Sticky(Protocol):
    """Where variants are kept. May raise: then the flag's default is served, with the error.

    A store that has `forget(experiment, version, unit)`, as `Kept` has, is told when a unit denies or opts
    out, of the experiments whose unit it is.
    """

    def variant(self, experiment: str, version: int, unit: str, /) -> str | None:
        """Give the variant that was kept; None where there is none."""
        ...

    def keep(self, experiment: str, version: int, unit: str, variant: str, /) -> None:
        """Keep a variant."""
        ...


class Kept:
    """Keeps variants in any mapping of texts: a dict, a shelf, a session.

    Args:
        mapping: Keys are `<experiment>:<version>:<identity>`, values are variants.
        identity: Who the unit is while its id changes; without it the unit's id.
    """

    def __init__(self, mapping: MutableMapping[str, str], identity: str | None = None) -> None:
        self._mapping = mapping
        self._identity = identity

    def variant(self, experiment: str, version: int, unit: str, /) -> str | None:
        """Give the variant that was kept; None where there is none."""
        return self._mapping.get(self._key(experiment, version, unit))

    def keep(self, experiment: str, version: int, unit: str, variant: str, /) -> None:
        """Keep a variant."""
        self._mapping[self._key(experiment, version, unit)] = variant

    def forget(self, experiment: str, version: int, unit: str, /) -> None:
        """Keep it no longer."""
        self._mapping.pop(self._key(experiment, version, unit), None)

    def _key(self, experiment: str, version: int, unit: str) -> str:
        return f"{experiment}:{version}:{self._identity or unit}"


class Unkept:
    """Reads a store and keeps nothing in it."""

    def __init__(self, store: Sticky) -> None:
        self._store = store

    def variant(self, experiment: str, version: int, unit: str, /) -> str | None:
        """Give the variant that the store keeps."""
        return self._store.variant(experiment, version, unit)

    def keep(self, experiment: str, version: int, unit: str, variant: str, /) -> None:
        """Keep nothing."""
