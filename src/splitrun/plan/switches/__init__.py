"""Flags and what divides units, compiled into a ruleset a piece at a time.

Every file has two halves: what is wrong with a thing, as mistakes; and the thing as clients need it, made
only where nothing is wrong. Shares are exact fractions until they become whole thresholds, in `shares`.
"""

from __future__ import annotations
