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


@dataclass(frozen=True, slots=True)
class Refused:
    """A batch of which nothing is taken."""

    code: Code
    says: str
    status: int = 400
    """Of HTTP: 400, or 413 where it is too much."""
