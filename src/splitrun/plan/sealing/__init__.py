"""What was sealed, and how what is there now differs from it: canonical texts, methods, deviations."""

from __future__ import annotations
