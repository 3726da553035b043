"""The door for OpenTelemetry: OTLP over HTTP."""

from __future__ import annotations
