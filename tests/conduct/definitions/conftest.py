from __future__ import annotations

from tests.store.conftest import new_place, place, registry

__all__ = ["new_place", "place", "registry"]
