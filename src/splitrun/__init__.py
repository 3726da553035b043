"""Splitrun: feature experiments from hypothesis to readout, with evidence that can be re-run.

Names are loaded when first asked for, so that `import splitrun` costs a web request next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splitrun.conduct.analyze import analyze
    from splitrun.conduct.designs.assign import assignment
    from splitrun.conduct.planning.power import power
    from splitrun.conduct.reading.access import Access
    from splitrun.errors import (
        DataError,
        EngineError,
        ExpressionError,
        Mistake,
        Place,
        RulesetError,
        SettingError,
        SpecError,
        SplitrunError,
    )
    from splitrun.judge.readout import Readout, Verdict
    from splitrun.sdk.asynchronous import AsyncClient
    from splitrun.sdk.client import Client

__version__ = "0.1.0"

__all__ = [
    "Access",
    "AsyncClient",
    "Client",
    "DataError",
    "EngineError",
    "ExpressionError",
    "Mistake",
    "Place",
    "Readout",
    "RulesetError",
    "SettingError",
    "SpecError",
    "SplitrunError",
    "Verdict",
    "__version__",
    "analyze",
    "assignment",
    "power",
]

HOMES = {
    "Access": "splitrun.conduct.reading.access",
    "AsyncClient": "splitrun.sdk.asynchronous",
    "Client": "splitrun.sdk.client",
    "DataError": "splitrun.errors",
    "EngineError": "splitrun.errors",
    "ExpressionError": "splitrun.errors",
    "Mistake": "splitrun.errors",
    "Place": "splitrun.errors",
    "Readout": "splitrun.judge.readout",
    "RulesetError": "splitrun.errors",
    "SettingError": "splitrun.errors",
    "SpecError": "splitrun.errors",
    "SplitrunError": "splitrun.errors",
    "Verdict": "splitrun.judge.readout",
    "analyze": "splitrun.conduct.analyze",
    "assignment": "splitrun.conduct.designs.assign",
    "power": "splitrun.conduct.planning.power",
}


def __getattr__(name: str) -> object:
    """Load a name of the front door from the room it lives in.

    Raises:
        ImportError: The name needs packages that are not installed.
    """
    if name not in HOMES:
        raise AttributeError(f"module 'splitrun' has no attribute {name!r}")
    try:
        room = import_module(HOMES[name])
    except ModuleNotFoundError as error:
        raise ImportError(
            f"splitrun.{name} needs {error.name!r}, not installed here; run: pip install 'splitrun[platform]'"
        ) from error
    value: object = getattr(room, name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
