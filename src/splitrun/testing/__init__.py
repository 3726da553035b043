"""What Splitrun ships for its users' tests: conformance suites. Empty until the first one is built."""

from __future__ import annotations
