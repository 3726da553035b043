"""Moments in, estimates out; one file per method, its paper named at its head.

Knows no experiment, file or clock. What has no number says why; no array holds NaN where it claims to hold.
"""

from __future__ import annotations
