"""Texts that ship with the package: templates of experiments, and the files of a new project."""

from __future__ import annotations
