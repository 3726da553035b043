"""Verbs of the server and of what it collects."""

from __future__ import annotations
