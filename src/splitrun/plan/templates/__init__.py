"""Templates at work: what an experiment does not say filled, guardrails put in, definitions brought."""

from __future__ import annotations
