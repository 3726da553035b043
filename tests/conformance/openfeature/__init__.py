"""OpenFeature's own scenarios, put to our provider through openfeature-sdk."""

from __future__ import annotations
