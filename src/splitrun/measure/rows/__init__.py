"""What a row of a source says."""

from __future__ import annotations
