"""The verbs of the command line over HTTP: the same names, the same JSON forms, a key in place of a login."""

from __future__ import annotations
