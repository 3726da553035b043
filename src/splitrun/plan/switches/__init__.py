"""Flags and what divides units, compiled into a ruleset a piece at a time.

Every file has two halves: what is wrong with a thing, as mistakes; and the thing as clients need it, made
only where nothing is wrong. Shares are exact fractions until `assign.slots` makes whole thresholds of them.
"""

from __future__ import annotations
