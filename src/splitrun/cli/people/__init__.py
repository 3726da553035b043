"""`splitrun opt-out`, `forget` and `subject-export`."""

from __future__ import annotations
