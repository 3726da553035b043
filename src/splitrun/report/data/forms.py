"""The data map and the record of processing in JSON."""

from __future__ import annotations

from dataclasses import asdict

from splitrun.report.data.record import activities, measures
from splitrun.spec.privacy.fields import DataMap, Stored

__all__ = ["map_form", "record_form"]


def map_form(found: DataMap) -> dict[str, object]:
    """Write a map in the form `splitrun.data-map/1`."""
    return {
        "form": "splitrun.data-map/1",
        "project": found.project,
        "environments": list(found.environments),
        "properties": found.properties,
        "ids": found.ids,
        "consent": found.consent,
        "waived": found.waived or None,
        "without_policy": len(found.gaps),
        "fields": [field_form(one) for one in found.fields],
    }


def field_form(one: Stored) -> dict[str, object]:
    """Write a field."""
    policy = one.policy
    return {
        "store": one.store,
        "field": one.field,
        "holds": one.holds,
        "retention": one.retention,
        "purpose": None if policy is None else policy.purpose,
        "classification": None if policy is None else policy.classification.value,
        "consumers": None if policy is None else list(policy.consumers),
    }


def record_form(found: DataMap) -> dict[str, object]:
    """Write a record of processing in the form `splitrun.record-of-processing/1`."""
    who = found.controller
    return {
        "form": "splitrun.record-of-processing/1",
        "project": found.project,
        "controller": None if who is None else who.model_dump(mode="json"),
        "activities": [asdict(one) for one in activities(found)],
        "measures": list(measures(found)),
    }
