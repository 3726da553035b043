"""Doubts about the variants: the split between them, and labels that name none of them."""

from __future__ import annotations
