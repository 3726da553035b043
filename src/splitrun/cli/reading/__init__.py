"""Verbs that read experiments."""

from __future__ import annotations
