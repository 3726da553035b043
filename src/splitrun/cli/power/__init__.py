"""`splitrun power`: its words, and the question that they ask."""

from __future__ import annotations
