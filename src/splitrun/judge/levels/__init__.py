"""Levels of metrics in the variants, ready to be compared: cut, adjusted, over clusters, or as quantiles."""

from __future__ import annotations
