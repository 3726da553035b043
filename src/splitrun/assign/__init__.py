"""Ruleset and unit in, variant and reason out. Empty until assignment is built; only the standard library and msgspec."""

from __future__ import annotations
