"""What Splitrun ships for its users' tests: variants forced, a client in memory, fixtures for pytest.

Names are loaded when first asked for: pytest loads the plugin in every run, also where nobody asks for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splitrun.testing.forcing import forced
    from splitrun.testing.recording import RecordingClient

__all__ = ["RecordingClient", "forced"]

HOMES = {"RecordingClient": "splitrun.testing.recording", "forced": "splitrun.testing.forcing"}


def __getattr__(name: str) -> object:
    """Load a name."""
    if name not in HOMES:
        raise AttributeError(f"module 'splitrun.testing' has no attribute {name!r}")
    found: object = getattr(import_module(HOMES[name]), name)
    return found
