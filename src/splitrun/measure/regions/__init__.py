"""Regions whose rows stay at home: what leaves is moments, and moments of disjoint units add up."""

from __future__ import annotations
