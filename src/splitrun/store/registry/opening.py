"""Open a registry by its URL."""

from __future__ import annotations

from splitrun.errors import StoreError
from splitrun.store.registry.databases.database import Database
from splitrun.store.registry.databases.migrating import migrate
from splitrun.store.registry.databases.sql import SqlRegistry
from splitrun.store.registry.writing import Sealing

__all__ = ["opened"]


def opened(url: str, sealing: Sealing, *, make: bool = False) -> SqlRegistry:
    """Open a registry on SQLite (`sqlite:///FILE`) or PostgreSQL (`postgresql://…`).

    Args:
        url: Where it is kept. Its password is never printed.
        sealing: What it signs with, and who keeps its head.
        make: Whether to bring the database to the schema of this version first.

    Raises:
        StoreError: The database refuses, or its schema is not the one that this version knows.
    """
    database = Database(url)
    try:
        if make:
            migrate(database)
        return SqlRegistry(database, sealing)
    except StoreError:
        database.close()
        raise
