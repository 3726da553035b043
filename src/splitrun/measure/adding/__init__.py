"""Adding units up, cell by cell: what is asked, of the engine or of its rows in this process."""

from __future__ import annotations
