"""The only queries that analyse: exposures and events in, moments out. Knows no statistics."""

from __future__ import annotations
