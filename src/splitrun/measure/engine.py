"""What measurement asks of a database: run SQL and give Arrow. Engines live in `engines/`."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa

__all__ = ["Engine"]


class Engine(Protocol):
    """A place where SQL runs. One engine serves one readout and is closed after it."""

    @property
    def dialect(self) -> str:
        """The sqlglot dialect its SQL is rendered in."""
        ...

    def run(self, sql: str) -> pa.Table:
        """Run one statement and give its rows.

        Raises:
            EngineError: The engine refused, ran out of its limits or was interrupted.
        """
        ...

    def close(self) -> None:
        """Let go of everything held."""
        ...
