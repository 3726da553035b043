"""The server that the document is put to."""

from __future__ import annotations

from tests.serve.conftest import market, served

__all__ = ["market", "served"]
