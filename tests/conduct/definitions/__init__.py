"""Definitions as files and as kept."""

from __future__ import annotations
