"""The audit chain as lines of JSON, for a witness outside and for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from splitrun.store.canonical import flat
from splitrun.store.chain.head import FORM, Head
from splitrun.store.registry.registry import Registry

__all__ = ["exported"]


def exported(registry: Registry, head: Head | None, *, project: str | None = None) -> Iterator[str]:
    """Give the chain line by line: every entry in canonical JSON, and at last the signed head.

    Args:
        registry: Whose.
        head: As it stood outside of the database before this is called.
        project: Only entries of this project; their hashes then follow entries that are not shown.
    """
    for entry in registry.entries(project=project):
        yield entry.line()
    if head is not None:
        yield f'{{"head":{flat({"form": FORM, **asdict(head)})}}}'
