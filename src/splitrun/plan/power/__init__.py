"""Size and duration before the first unit: what a plan can see, when, and what each of its promises costs."""

from __future__ import annotations
