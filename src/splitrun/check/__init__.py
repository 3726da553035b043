"""Doubts, one file each: evidence in, a finding or nothing out. They run before any effect is read."""

from __future__ import annotations
