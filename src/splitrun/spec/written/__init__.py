"""What a person wrote, with its places: text read into values, and faults told in plain words."""

from __future__ import annotations
