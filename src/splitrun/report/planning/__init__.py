"""What is known and planned before the first unit, for people and for programs."""

from __future__ import annotations
