"""The command line, a file per family of verbs: parse words, call one verb of `conduct`, print."""

from __future__ import annotations
