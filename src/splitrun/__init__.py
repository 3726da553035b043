"""Splitrun: feature experiments from hypothesis to readout, with evidence that can be re-run.

Names are loaded when first asked for, so that `import splitrun` costs a web request next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splitrun.errors import (
        DataError,
        EngineError,
        ExpressionError,
        Mistake,
        Place,
        SpecError,
        SplitrunError,
    )
    from splitrun.judge.readout import Readout, Verdict

__version__ = "0.1.0"

__all__ = [
    "DataError",
    "EngineError",
    "ExpressionError",
    "Mistake",
    "Place",
    "Readout",
    "SpecError",
    "SplitrunError",
    "Verdict",
    "__version__",
]

HOMES = {
    "DataError": "splitrun.errors",
    "EngineError": "splitrun.errors",
    "ExpressionError": "splitrun.errors",
    "Mistake": "splitrun.errors",
    "Place": "splitrun.errors",
    "SpecError": "splitrun.errors",
    "SplitrunError": "splitrun.errors",
    "Readout": "splitrun.judge.readout",
    "Verdict": "splitrun.judge.readout",
}


def __getattr__(name: str) -> object:
    """Load a name of the front door from the room it lives in."""
    if name not in HOMES:
        raise AttributeError(f"module 'splitrun' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
