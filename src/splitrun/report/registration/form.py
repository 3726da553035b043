"""The part of the JSON form that says what a readout is held to."""

from __future__ import annotations

from dataclasses import asdict

from splitrun.judge.readout import Amendment, Registration

__all__ = ["registration"]


def registration(found: Registration) -> dict[str, object]:
    """What was sealed, what was changed of it, and what is read otherwise."""
    return {
        "digest": found.digest,
        "version": found.version,
        "amendment": found.amendment,
        "sealed_at": found.at.isoformat(),
        "sealed_by": found.by,
        "late": found.late,
        "exposures": found.exposures,
        "exposed_before": None if found.exposed_before is None else found.exposed_before.isoformat(),
        "amendments": [amendment(one) for one in found.amendments],
        "deviations": [asdict(one) for one in found.deviations],
        "confirmatory": found.confirmatory,
        "recorded": found.recorded,
        "early": found.early,
    }


def amendment(found: Amendment) -> dict[str, object]:
    """One amendment, and what had been seen when it was made."""
    return {
        "number": found.number,
        "at": found.at.isoformat(),
        "by": found.by,
        "reason": found.reason,
        "fields": list(found.fields),
        "seen": {"looks": found.looks, "effects": found.effects, "units": found.units},
        "confirmatory": found.confirmatory,
    }
