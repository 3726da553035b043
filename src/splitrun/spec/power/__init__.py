"""What is known before an experiment, and what is asked about its size."""

from __future__ import annotations
