"""The verbs in the life of an experiment: each one commit, or refused by a rule."""

from __future__ import annotations
