"""The registry on SQLite and PostgreSQL: connections, tables, statements, migrations."""

from __future__ import annotations
