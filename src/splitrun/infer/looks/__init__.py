"""Reading effects more than once: what a look costs, and intervals that hold over all of them."""

from __future__ import annotations
