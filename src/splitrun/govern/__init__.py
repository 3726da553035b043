"""Roles, approvals, retention: answers yes, no and why. Empty until access is built."""

from __future__ import annotations
