"""The one outbound client. Empty until something has to call out."""

from __future__ import annotations
