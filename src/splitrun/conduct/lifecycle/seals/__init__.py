"""Steps that seal a plan: what it is made of, what was there and seen before, and what it does from then on."""

from __future__ import annotations
