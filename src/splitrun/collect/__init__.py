"""The server side of events. Empty until collection is built."""

from __future__ import annotations
