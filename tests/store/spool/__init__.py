"""Tests of the spool."""

from __future__ import annotations
