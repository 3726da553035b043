"""OpenTelemetry's `Logger.emit` with the batch processor and an exporter that does nothing.

What `track` is told, a unit, a value and four properties, are six attributes of an event.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.evaluating import served
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult


class Silent(LogRecordExporter):
    """Takes records and does nothing with them."""

    def export(self, _batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Take some."""
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits."""
        return timeout_millis > 0

    def shutdown(self) -> None:
        """Nothing is open."""


def main() -> None:
    """Serve the way."""
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(Silent()))
    emit = provider.get_logger("bench").emit

    def track(unit: str, given: dict[str, object]) -> object:
        return emit(event_name="purchase", attributes={**given, "user.id": unit, "value": 30.0})

    served({"opentelemetry, emit": track}, (), between=provider.force_flush)


if __name__ == "__main__":
    main()
