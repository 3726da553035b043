"""API keys: who may call the server, and for what."""

from __future__ import annotations
