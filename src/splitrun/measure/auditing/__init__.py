"""What a ruleset gives a unit, written in SQL: gates of experiments, and what flags ask before them."""

from __future__ import annotations
