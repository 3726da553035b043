"""Verbs on the registry as a whole: where it is, its keys, its audit chain, schema and backups."""

from __future__ import annotations
