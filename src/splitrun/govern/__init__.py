"""Policy, and later roles and retention: answers yes, no and why."""

from __future__ import annotations
