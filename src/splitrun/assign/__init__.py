"""Ruleset and unit in, variant and reason out. Empty until assignment is built.

Only the standard library and msgspec are loaded here.
"""

from __future__ import annotations
