"""What a project keeps: the map of it, how long, and the proof that nothing older is there."""

from __future__ import annotations
