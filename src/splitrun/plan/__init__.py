"""What is done before the first unit is seen: an experiment becomes the plan that a readout is held to."""

from __future__ import annotations
