"""OFREP as its own document has it, put to our server."""

from __future__ import annotations
