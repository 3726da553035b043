"""What went wrong, in the form `splitrun.error/1`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from splitrun.errors import Mistake, RefusedError, SpecError, SplitrunError

__all__ = ["error_form", "trouble_form"]


def trouble_form(kind: str, says: str, mistakes: Sequence[Mistake] = ()) -> dict[str, object]:
    """Write what went wrong.

    Args:
        kind: A word from a closed list.
        says: What happened, and what to do next.
        mistakes: One by one, where there are several.
    """
    listed = [asdict(mistake) for mistake in mistakes]
    return {"form": "splitrun.error/1", "error": kind, "says": says, "mistakes": listed}


def error_form(error: SplitrunError) -> dict[str, object]:
    """Write an error of ours."""
    match error:
        case SpecError(mistakes=mistakes) | RefusedError(mistakes=mistakes):
            return trouble_form(type(error).__name__, str(error), mistakes)
        case _:
            return trouble_form(type(error).__name__, str(error))
