"""How far a sample stands for the population that its experiment declares."""

from __future__ import annotations
