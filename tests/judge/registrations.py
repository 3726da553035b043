"""A registration as the registry would give it, to be spoiled one thing at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from splitrun.judge.readout import Registration
from splitrun.plan.sealing.reach import NOTHING

__all__ = ["registration"]

SEALED = Registration(
    digest="sha256:" + "12ab" * 16,
    version=1,
    amendment=0,
    at=datetime(2026, 11, 2, 8, tzinfo=UTC),
    by="ann",
    late=None,
    exposures=None,
    amendments=(),
    deviations=(),
    reach=NOTHING,
    recorded=True,
)


def registration(**spoiled: Any) -> Registration:  # noqa: ANN401 - a value of any field
    """What was sealed in time and read as it was sealed, but for what is said."""
    return replace(SEALED, **spoiled)
