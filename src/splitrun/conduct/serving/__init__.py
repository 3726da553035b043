"""Verbs around the server: put it together, make and revoke the keys that call it."""

from __future__ import annotations
