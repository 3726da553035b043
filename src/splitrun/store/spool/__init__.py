"""The durable buffer in front of the lake: accepted batches, each whole, in one SQLite file."""

from __future__ import annotations
