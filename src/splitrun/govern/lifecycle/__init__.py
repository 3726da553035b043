"""The life of an experiment as one table: which verb is open in which state, to whom, and what must hold."""

from __future__ import annotations
