"""What a project demands of every experiment: a function for each rule, with its name, sentence, remedy."""

from __future__ import annotations
