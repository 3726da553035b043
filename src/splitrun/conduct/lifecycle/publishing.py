"""What applied files change of the rulesets that are served: published with them, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from splitrun.conduct.definitions.comparing import Compared
from splitrun.conduct.definitions.kept import opened
from splitrun.conduct.lifecycle.footing import Footing
from splitrun.conduct.lifecycle.publication import others, publication
from splitrun.conduct.lifecycle.taken import staying
from splitrun.conduct.registry.place import Home
from splitrun.store.registry.change import Change
from splitrun.store.registry.databases.sql import SqlRegistry

__all__ = ["published"]

NOBODY = ""
"""Stands for the experiment that takes the step: none does."""


def published(change: Change, compared: Compared, home: Home, registry: SqlRegistry) -> Change:
    """Add to a change of definitions the rulesets that differ with it, and the phases that they open.

    Where nothing was published yet nothing is: the first step of a life does that.

    Raises:
        SpecError: The definitions do not fit what is dealt, or units would be moved; all mistakes.
        StoreError: No key may sign, or a sealed plan cannot be read.
    """
    publications, moves = [], []
    for footing in served(change, compared, home, registry):
        made = publication(footing, NOBODY, None)
        if made.publication is not None:
            publications.append(made.publication)
            moves += [replace(staying(life), phase=phase) for life, phase in others(footing, NOBODY, made)]
    return replace(change, publications=tuple(publications), moves=tuple(moves))


def served(change: Change, compared: Compared, home: Home, registry: SqlRegistry) -> Iterator[Footing]:
    """The environments in which something was published, with the definitions as the files have them."""
    says = opened(compared.files)
    settings = says.project
    if settings is None:  # pragma: no cover  # files that were read and found sound name their project
        return
    for name in settings.environments:
        if registry.ruleset(settings.project, name) is not None:
            yield Footing(home, registry, says, settings, name, change.actor, "", change.at)
