"""What is kept of people: what a field holds, what for, for how long, and who reads it."""

from __future__ import annotations
