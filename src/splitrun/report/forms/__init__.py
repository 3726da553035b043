"""Documented JSON forms of what is no report: errors, the audit chain, keys; for command line and server."""

from __future__ import annotations
