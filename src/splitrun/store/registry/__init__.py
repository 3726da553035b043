"""What is defined and what state it is in: versioned documents, lives, sealed plans, rulesets, keys."""

from __future__ import annotations
