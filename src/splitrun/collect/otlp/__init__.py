"""What OpenTelemetry sends, in protobuf or JSON: log records and events of spans, as exposures and events.

Both encodings are read into the same records, within bounds; what they mean is told by the project's settings
and its rulesets; what comes of it is a batch as an SDK would have sent it. What is not understood is answered
for, record by record, and never dropped in silence.
"""

from __future__ import annotations
