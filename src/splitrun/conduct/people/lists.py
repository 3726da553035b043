"""Which lists of ids name a unit: those of the files, and the hashes that the registry keeps of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from splitrun.assign.slots import listed
from splitrun.conduct.registry.place import Home
from splitrun.conduct.workspace import workspace
from splitrun.plan.switches.lists import described
from splitrun.sdk.event import Unit
from splitrun.store.registry.documents import Kind
from splitrun.store.registry.registry import Registry

__all__ = ["lists_of", "named_in"]


def lists_of(where: Home, project: str, units: Sequence[Unit]) -> tuple[str, ...]:
    """Name the lists of which the registry keeps a revision with the hash of one of these ids.

    The registry forgets nothing: a list that no longer names a unit still did, in revisions and rulesets.

    Args:
        where: The registry.
        project: Whose lists.
        units: Whose ids; lists tell no type.

    Raises:
        StoreError: The registry cannot be read.
    """
    if not where.there:
        return ()
    with where.registry() as registry:
        subjects = {one.subject.partition("/") for one in registry.entries(project=project)}
        names = sorted(name for kind, _, name in subjects if kind == Kind.LIST)
        return tuple(name for name in names if any(holds(registry, project, name, units)))


def holds(registry: Registry, project: str, name: str, units: Sequence[Unit]) -> Iterator[bool]:
    """Tell of each revision of a list whether it has one of these ids."""
    for one in registry.history(project, Kind.LIST, name):
        kept = json.loads(one.body)
        if isinstance(kept, dict):  # else it was removed
            hashes = set(kept.get("ids") or ())
            yield any(listed(str(kept.get("salt")), unit.id) in hashes for unit in units)


def named_in(root: Path, units: Sequence[Unit]) -> tuple[str, ...]:
    """Name the files of the project that still hold an id, or its hash: people wrote them, and mend them."""
    around = workspace(root)
    project, board = around.says.project, around.says.board
    salts = {
        described(one.value).salt or f"list:{'' if project is None else project.project}:{name}"
        for name, one in (() if board is None else board.lists.items())
    }
    ids = {one.id for one in units}
    names = {one.encode("utf-8", "surrogatepass") for one in ids}
    names |= {listed(salt, one).encode() for salt in salts for one in ids}
    # one pattern for 100,000 ids is slow; most stand alone between signs that part words
    odd = [one for one in names if PARTS.search(one)]
    found = []
    for file in around.files:
        text = file.read_bytes()
        if not names.isdisjoint(PARTS.split(text)) or any(one in text for one in odd):
            found.append(str(file.relative_to(root)))
    return tuple(sorted(found))


PARTS = re.compile(rb"[\s,;:'\"\[\]{}]+")
"""What stands between ids in YAML, JSON and files of ids."""
