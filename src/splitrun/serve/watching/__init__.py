"""What the server tells of the data that it collects, and what it sends itself to know."""

from __future__ import annotations
