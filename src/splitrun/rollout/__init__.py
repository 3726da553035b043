"""Ramps and guardrail policies as tables. Empty until ramps are built."""

from __future__ import annotations
