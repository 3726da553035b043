"""Verbs about what is kept."""

from __future__ import annotations
