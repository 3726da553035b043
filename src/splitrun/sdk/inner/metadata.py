"""What else is known of an answer, as OpenFeature's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from splitrun.assign.evaluation import Evaluation

__all__ = ["Metadata", "metadata"]

Metadata = Mapping[str, bool | int | float | str]


def metadata(answer: Evaluation, flag_set: str) -> Metadata:
    """Tell what else is known; `flagSetId` and `version` as OpenFeature's appendix D names them."""
    told: dict[str, bool | int | float | str] = {
        "flagSetId": flag_set,
        "version": str(answer.ruleset),
        "ruleset": answer.ruleset,
        "detail": answer.detail.value,
    }
    if answer.experiment is not None:
        told |= {
            "experiment": answer.experiment,
            "experiment_version": answer.version,
            "phase": answer.phase,
            "enrolling": answer.enrolling,
        }
    return MappingProxyType(told)
