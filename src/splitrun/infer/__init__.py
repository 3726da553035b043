"""Moments in, estimates out; one file per method, its paper named at its head. Knows no experiment, file or clock."""

from __future__ import annotations
