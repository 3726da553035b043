"""Dead letters sent on their way again, after what was wrong has been mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from splitrun.collect.rows import CODES
from splitrun.conduct.collecting.assembled import spool_of
from splitrun.conduct.workspace import PROJECT, root_of
from splitrun.errors import Mistake, Place, SpecError
from splitrun.spec.written.fields import suggested
from splitrun.store.spool.file import SpoolFile
from splitrun.store.spool.parcel import Parcel

__all__ = ["Replayed", "replay", "replayed"]

AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Replayed:
    """Which dead letters there were."""

    sent: Mapping[str, int]
    """On their way again, by code."""
    left: Mapping[str, int]
    """Still dead letters, by code."""


def replay(place: Path, codes: Collection[str] = (), *, look: bool = False) -> Replayed:
    """Send dead letters of a project on their way again.

    Args:
        place: A folder of the project.
        codes: Which; none: all.
        look: Only count them.

    Raises:
        SpecError: There is no project, or no such code.
        StoreError: The spool refuses; nothing was sent that is not told.
    """
    none = [one for one in codes if one not in CODES]
    if none:
        says = f"there are no dead letters of the code {none[0][:40]!r}"
        raise SpecError([Mistake(says, suggested(none[0], CODES), "--code")])
    root = root_of(place)
    if root is None:
        says = "there is no splitrun.yaml here or above"
        raise SpecError([Mistake(says, "go into a project's folder", place=Place(PROJECT, 1, 1))])
    return replayed(spool_of(root), codes, look=look)


def replayed(spool: SpoolFile, codes: Collection[str] = (), *, look: bool = False) -> Replayed:
    """Send dead letters of a spool on their way again, each at once with its end as a letter."""
    sent, left = Counter[str](), Counter[str]()
    after = 0
    while letters := spool.letters(after, AT_ONCE):
        after = letters[-1].number
        chosen = [one for one in letters if not look and (not codes or one.code in codes)]
        numbers = {one.number for one in chosen}
        sent.update(one.code for one in chosen)
        left.update(one.code for one in letters if one.number not in numbers)
        spool.again([Parcel(one.origin, 1, one.body) for one in chosen], sorted(numbers))
    return Replayed(sent, left)
