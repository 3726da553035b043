"""People's wishes: who opted out and who was forgotten, named nowhere, and the erasure of their rows."""

from __future__ import annotations
