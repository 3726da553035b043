"""Doubts about the values that metrics are made from."""

from __future__ import annotations
