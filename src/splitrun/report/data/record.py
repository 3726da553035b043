"""The record of processing activities: what article 30 of the GDPR asks for, from the data map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from splitrun.spec.privacy.fields import DataMap, Stored
from splitrun.spec.privacy.held import Classification

__all__ = ["Activity", "activities", "measures"]

CLOSE = (Classification.PERSONAL, Classification.SENSITIVE)


@dataclass(frozen=True, slots=True)
class Activity:
    """What is done with the personal data of one store."""

    store: str
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    """Of data: the fields that are close to a person, or that nobody has classified."""
    recipients: tuple[str, ...]
    """Who reads them here."""
    limit: str
    """How long they are kept."""


def activities(found: DataMap) -> tuple[Activity, ...]:
    """Give what is done with personal data, store by store; a field without a policy counts as personal."""
    by_store: dict[str, list[Stored]] = {}
    for one in found.fields:
        if one.policy is None or one.policy.classification in CLOSE:
            by_store.setdefault(one.store, []).append(one)
    return tuple(
        Activity(
            store,
            once(one.policy.purpose if one.policy else "nobody has said" for one in fields),
            once(one.field for one in fields),
            once(name for one in fields if one.policy for name in one.policy.consumers),
            fields[0].retention,
        )
        for store, fields in by_store.items()
    )


def once(words: Iterator[str]) -> tuple[str, ...]:
    """Give words each once, in order."""
    return tuple(dict.fromkeys(words))


def measures(found: DataMap) -> tuple[str, ...]:
    """Describe the technical measures that are in force in this project."""
    ids = (
        "ids of units stand in the lake under keyed pseudonyms (HMAC-SHA-256); keys lie apart from it"
        if found.ids == "pseudonym"
        else "ids of units stand readable in the lake, by the project's own choice"
    )
    taken = (
        "only declared properties and attributes are kept; others are dropped before the lake"
        if found.properties == "declared"
        else "properties that nobody declared are kept too, by the project's own choice"
    )
    consent = (
        "events of units that are not known to have granted are not kept"
        if found.consent == "required"
        else "events are kept unless the unit objected"
    )
    return (
        ids,
        taken,
        consent,
        "what waits for the lake, and dead letters, are encrypted (AES-256-GCM)",
        "API keys are kept as SHA-256 and have scopes",
        "steps of people stand in a signed chain that shows every change",
        "days beyond their retention are let go of whole, with an entry in that chain",
    )
