"""Steps that seal a plan: what it is made of, what was there and what had been seen before."""

from __future__ import annotations
