"""What Alembic runs to migrate: on the connection that it is handed, inside the transaction that is open."""

from __future__ import annotations

from alembic import context

from splitrun.store.registry.databases.tables import METADATA

__all__ = ["CONNECTION"]

CONNECTION = "connection"
"""Under this name `migrating` hands the connection over."""

context.configure(connection=context.config.attributes[CONNECTION], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
