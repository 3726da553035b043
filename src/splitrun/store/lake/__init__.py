"""The lake: exposures, events and aliases in Delta tables, a folder for each project and environment."""

from __future__ import annotations
