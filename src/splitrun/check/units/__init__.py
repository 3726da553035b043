"""Doubts about the units: who is counted, how often, and whether there are enough."""

from __future__ import annotations
