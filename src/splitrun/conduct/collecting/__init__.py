"""From the spool to the lake: the committer, its upkeep, and dead letters sent on their way again."""

from __future__ import annotations
