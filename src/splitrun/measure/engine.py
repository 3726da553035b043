"""What measurement asks of a database: load, run, keep, give Arrow. Engines live in `engines/`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from splitrun.spec.source import Rows

if TYPE_CHECKING:
    # it imports all of pandas where that is installed: 45 MB
    from pyarrow.dataset import Dataset

__all__ = ["QUANTILES", "ROWS", "Engine", "Field", "Loaded", "Shelf", "Stored"]

QUANTILES = "quantile_disc"
"""The capability of exact quantiles; where an engine lacks it, they are read from histograms."""
ROWS = "rows"
"""The capability of handing over rows in batches, as an engine in this process does for next to nothing."""


class Stored(StrEnum):
    """How an engine holds a column; what its values mean is decided by `kinds`."""

    TEXT = "text"
    WHOLE = "whole"
    BIG = "big"
    """Whole, and perhaps beyond 64 bits with a sign."""
    DECIMAL = "decimal"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DAY = "day"
    """A date."""
    TIME = "time"
    """A moment that names no zone."""
    MOMENT = "moment"
    """A moment with its zone."""
    OTHER = "other"
    """Lists, structures, blobs: of no use to a metric."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a loaded source."""

    name: str
    stored: Stored
    written: str = ""
    """The engine's own name of the type, for messages."""
    inferred: bool = False
    """Whether it is text whose kind must be inferred though the source knows types: a property in JSON."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A source that can be queried."""

    relation: str
    """The name to select from; it needs quoting."""
    fields: tuple[Field, ...]
    typed: bool
    """False where the form knows no types (CSV) and every column is text whose kind must be inferred."""
    rows: int
    digest: str | None
    """`sha256:` of the file's bytes; None where there is no file."""
    quarantined: int = 0
    """Rows that could not be decoded or split into columns."""
    lines: tuple[int, ...] = ()
    """The first lines of them, counted from 1."""
    pin: str | None = None
    """Up to which commit of the lake it was read; None elsewhere."""
    logged: Mapping[str, int] = field(default_factory=dict)
    """Units by why they are not analysed, and `linked`: those whose ids met several variants, each one."""
    late: int = 0
    """Events of the lake that came in later than the plan waits for, left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """A table of the lake as it is read: the files of a snapshot, up to a commit."""

    table: str
    """exposures, events or triggers."""
    files: tuple[str, ...]
    """Paths, in order; absolute where they are on this machine."""
    sequence: int
    """Rows of later commits are not read."""
    wanted: frozenset[str]
    """The names that the plan uses of it."""
    experiment: str
    version: int
    links: pa.Table | None = None
    """`was` and `root`: keys of ids that belong to the unit of another; None: ids are never joined."""
    late: timedelta | None = None
    """How long after it happened an event may have come in; None: as long as the lake took it."""
    epoch: int | None = None
    """The epoch whose pseudonyms units are known by; None: that of each row."""
    raw: bool = False
    """Whether the ids themselves stand beside pseudonyms."""
    linked: int | None = None
    """The last commit of aliases that counts; None where ids are never joined."""
    rows: Dataset | None = None
    """Opened, where the files are in a bucket, which no engine reaches by itself."""
    without: pa.Table | None = None
    """`key`: pseudonyms of which no row is read, because they opted out or are being erased; None: none."""
    digest: str | None = None
    """`sha256:` of the files; None where they are on this machine: then they are read for it."""

    @property
    def pin(self) -> str:
        """What exactly is read, in words."""
        units = "" if self.epoch is None else f", pseudonyms of epoch {self.epoch}"
        units += ", the ids themselves beside them" if self.raw else ""
        return f"{self.table}, sequence ≤ {self.sequence}, {len(self.files)} files{units}"


class Engine(Protocol):
    """A place where SQL runs. One engine serves one readout and is closed after it."""

    @property
    def dialect(self) -> str:
        """The sqlglot dialect its SQL is rendered in."""
        ...

    @property
    def capabilities(self) -> frozenset[str]:
        """What not every engine has: `semver`, `regexp_matches`, `quantile_disc`; and `rows`."""
        ...

    def load(self, sources: Mapping[str, Rows]) -> Mapping[str, Loaded]:
        """Make every source that a plan names ready to be queried; asked once, before anything is run.

        Raises:
            DataError: Something named is not there, is empty or cannot be read.
            EngineError: Something named may not be read, or a query was refused.
        """
        ...

    def run(self, sql: str) -> pa.Table:
        """Run one SELECT and give its rows.

        Raises:
            EngineError: The engine refused, ran out of its limits or was interrupted.
        """
        ...

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run one SELECT and give its rows batch by batch, where `ROWS` is among the capabilities.

        The rows come in the same order every time, and in the same batches.

        Raises:
            EngineError: The engine refused, ran out of its limits or was interrupted.
        """
        ...

    def keep(self, relation: str, sql: str) -> None:
        """Run one SELECT and keep its rows under a name, for this readout only.

        Raises:
            EngineError: The engine refused, ran out of its limits or was interrupted.
        """
        ...

    def name(self, relation: str, sql: str) -> None:
        """Give one SELECT a name: it is run anew wherever the name is used, and nothing is held.

        Raises:
            EngineError: The engine refused.
        """
        ...

    def extend(self, relation: str, sql: str) -> None:
        """Run one SELECT and add its rows to those kept under a name.

        Raises:
            EngineError: The engine refused, ran out of its limits or was interrupted.
        """
        ...

    def forget(self, relation: str) -> None:
        """Let go of a name, and of the rows kept under it."""
        ...

    def close(self) -> None:
        """Let go of everything held."""
        ...
