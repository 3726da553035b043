"""`splitrun baseline` and `splitrun plan`: what is known, and what would be sealed."""

from __future__ import annotations
