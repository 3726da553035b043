"""Definitions as files and as the registry keeps them: the same, there and back."""

from __future__ import annotations
