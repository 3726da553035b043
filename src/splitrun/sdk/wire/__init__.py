"""How a request is bounded, and whose word is taken for a server; loaded where connections are made."""

from __future__ import annotations
