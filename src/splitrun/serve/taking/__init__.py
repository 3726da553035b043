"""Batches that are taken quickly."""

from __future__ import annotations
