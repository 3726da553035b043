"""Doubts about moments: missing, unreadable, without a zone, in the wrong order."""

from __future__ import annotations
