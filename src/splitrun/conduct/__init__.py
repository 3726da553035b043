"""The verbs, each read like a checklist; the only room that calls the others in order, and asks the clock."""

from __future__ import annotations
