"""How the tables came to be, step by step; Alembic runs the steps."""

from __future__ import annotations
