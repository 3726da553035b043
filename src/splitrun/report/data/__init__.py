"""The data map and the record of processing, as people and programs read them."""

from __future__ import annotations
