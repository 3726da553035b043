"""Doubts about rows that were left out of the count."""

from __future__ import annotations
