"""A forecast for people and for programs: text, and the documented JSON form."""

from __future__ import annotations
