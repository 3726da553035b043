"""The audit chain: entries bound to those before; the keys that sign them; the head outside."""

from __future__ import annotations
