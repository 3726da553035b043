"""How much of an event and of a batch is taken."""

from __future__ import annotations

__all__ = [
    "BATCH_BYTES",
    "BATCH_EVENTS",
    "DEEPEST",
    "EVENT_BYTES",
    "EXPORT_RECORDS",
    "LARGEST",
    "LONGEST_NAME",
    "MOST_PROPERTIES",
    "QUICK_BYTES",
]

BATCH_BYTES = 5_000_000
BATCH_EVENTS = 5_000
EVENT_BYTES = 64_000
EXPORT_RECORDS = 20_000
"""Log records, or spans, of one request of OTLP; collectors send 8,192 unless told otherwise."""
DEEPEST = 32
"""Objects and lists in each other, the event itself counted."""
LARGEST = 1e15
"""A number beyond it, either way, is none that a metric may have."""
LONGEST_NAME = 256
"""Characters of a name, an event id, the name of a property."""
MOST_PROPERTIES = 256
QUICK_BYTES = 900
"""A unit id of fewer characters is within the limit, however it is encoded."""
