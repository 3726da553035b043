"""A difference between files and registry, for people, for pull requests and for programs."""

from __future__ import annotations
