"""The verbs in the life of an experiment."""

from __future__ import annotations
