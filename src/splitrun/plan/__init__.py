"""What is done before the first unit is seen: resolving an experiment into the plan that a readout is held to."""

from __future__ import annotations
