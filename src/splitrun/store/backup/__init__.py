"""A registry copied while others write to it, and put back elsewhere."""

from __future__ import annotations
