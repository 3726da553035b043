"""What a reading may use, and up to when it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from os import PathLike

from splitrun.errors import Mistake, SpecError

__all__ = ["Access", "instant"]

MEMORY = re.compile(r"(?=.*[1-9])\d{1,12}(\.\d{1,6})?\s*([KMGT]i?B)", re.IGNORECASE)
MOST_THREADS = 256
LONGEST = 604_800
"""Seconds; a week."""

ZONED = "write it like 2026-11-22T08:00:00+01:00"


@dataclass(frozen=True, slots=True)
class Access:
    """What an analysis may read and use, besides the folder of its experiment or project."""

    folders: tuple[str | PathLike[str], ...] = ()
    """Further folders that data files may lie in."""
    database: str | PathLike[str] | None = None
    """A DuckDB file whose tables `table:` and `query:` may name; opened read-only."""
    memory: str = "4GB"
    """A number and a unit, from KB to TB or KiB to TiB."""
    threads: int = 1
    """More are faster; with one, the same files give the same bits every time; at most 256."""
    seconds: float = 600.0
    """The longest a single statement may run; at most a week."""
    pins: Mapping[str, int] = field(default_factory=dict)
    """By table of the lake (exposures, events, aliases): the last commit that counts, as a readout's lineage
    names it; the newest where none is named."""

    def __post_init__(self) -> None:
        """Refuse limits that no engine can keep.

        Raises:
            SpecError: All mistakes.
        """
        mistakes = list(unkept(self))
        if mistakes:
            raise SpecError(mistakes)


def unkept(access: Access) -> Iterator[Mistake]:
    """Limits that cannot be kept; what a caller of Python hands over may be of any type."""
    match access.memory:
        case str(size) if MEMORY.fullmatch(size.strip()):
            pass
        case size:
            says = f"{size!r} is no amount of memory"
            yield Mistake(says, "write a number and a unit, like 512MB or 4GB", "memory")
    match access.threads:
        case int(count) if 1 <= count <= MOST_THREADS:
            pass
        case count:
            says = f"{count!r} is no number of threads"
            yield Mistake(says, f"write a whole number from 1 to {MOST_THREADS}", "threads")
    match access.seconds:
        case float() | int() if 0 < access.seconds <= LONGEST:
            pass
        case limit:
            says = f"{limit!r} is no limit in seconds"
            yield Mistake(says, f"write a number above 0 and at most {LONGEST:,}", "seconds")


def instant(as_of: datetime | str | None) -> datetime | None:
    """A moment with its zone.

    Raises:
        SpecError: It has none, or is no moment.
    """
    moment = read_moment(as_of)
    if moment is not None and moment.tzinfo is None:
        raise SpecError([Mistake(f"{as_of!s} names no time zone", ZONED, "as_of")])
    return moment


def read_moment(as_of: datetime | str | None) -> datetime | None:
    """A moment as it was handed over, or written.

    Raises:
        SpecError: It is no moment.
    """
    match as_of:
        case None | datetime():
            return as_of
        case str():
            with suppress(ValueError):
                return datetime.fromisoformat(as_of)
    raise SpecError([Mistake(f"{as_of!r:.60} is no moment", ZONED, "as_of")])
