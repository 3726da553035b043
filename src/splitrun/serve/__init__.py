"""The HTTP application. Empty until the server is built."""

from __future__ import annotations
