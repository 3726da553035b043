"""The units that a sample should represent, counted."""

from __future__ import annotations
