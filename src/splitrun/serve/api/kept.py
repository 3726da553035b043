"""What is kept, over HTTP: the data map, the record of processing, the proof of the retention."""

from __future__ import annotations

from splitrun.serve.api import verbs
from splitrun.serve.api.answering import Operated, operation
from splitrun.serve.api.call import Call, Nothing
from splitrun.store.access.keys import Scope

__all__ = ["ENDPOINTS"]


def fields(call: Call[Nothing]) -> dict[str, object]:
    """Give every field that is kept."""
    return verbs.map_form(verbs.data_map(call.root))


def recorded(call: Call[Nothing]) -> dict[str, object]:
    """Give the record of processing."""
    return verbs.record_form(verbs.data_map(call.root))


def aged(call: Call[Nothing]) -> dict[str, object]:
    """Prove from the stores how old what is kept is."""
    return verbs.proof_form(verbs.proved(call.root, call.desk))


ENDPOINTS = (
    operation(
        "GET",
        "/v1/data-map",
        Scope.READ,
        "Every field that is kept, with its policy",
        Operated(Nothing, fields),
    ),
    operation(
        "GET",
        "/v1/record-of-processing",
        Scope.READ,
        "The record of processing (GDPR, article 30)",
        Operated(Nothing, recorded),
    ),
    operation(
        "GET",
        "/v1/retention",
        Scope.READ,
        "Proof that nothing is kept longer than it may",
        Operated(Nothing, aged),
    ),
)
