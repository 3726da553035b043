"""Why an event or a batch is not taken: one closed list of words, each with what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Code", "Refused"]


class Code(StrEnum):
    """Why something is not taken; the answer to a batch names them."""

    # the whole batch
    EMPTY = "empty"
    ENCODING = "encoding"
    NOT_JSON = "not_json"
    NOT_A_BATCH = "not_a_batch"
    NOT_OTLP = "not_otlp"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    # one event
    SHAPE = "shape"
    """A field is missing, of another type, or unknown kind of event."""
    EVENT_SIZE = "event_size"
    DEPTH = "depth"
    DUPLICATE_KEY = "duplicate_key"
    EVENT_ID = "event_id"
    TIME = "time"
    UNIT = "unit"
    NAME = "name"
    NUMBER = "number"
    PROPERTIES = "properties"
    # one record of OpenTelemetry
    UNMAPPED = "unmapped"
    """It is neither an evaluation nor an event that the project's settings name."""
    EVALUATION = "evaluation"
    """An evaluation that failed, so that the caller's own default was served."""
    FLAG = "flag"
    RULESET = "ruleset"
    ATTRIBUTES = "attributes"
    """The flag asks attributes that the record does not carry."""
    EXPERIMENT = "experiment"
    """The flag has several experiments, and the record names none."""
    NO_EXPERIMENT = "no_experiment"
    """No experiment answered, so that there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A batch of which nothing is taken."""

    code: Code
    says: str
    status: int = 400
    """Of HTTP: 400, or 413 where it is too much."""
