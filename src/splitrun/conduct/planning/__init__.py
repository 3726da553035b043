"""Verbs of the time before the first unit."""

from __future__ import annotations
