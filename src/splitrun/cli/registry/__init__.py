"""Verbs on the registry as a whole."""

from __future__ import annotations
