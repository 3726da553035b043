"""Reading an experiment: from a plan and the data it names to a readout, and the looks that are recorded."""

from __future__ import annotations
