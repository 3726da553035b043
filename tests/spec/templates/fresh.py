"""New experiments, as `splitrun new` writes them."""

from __future__ import annotations

from splitrun.plan.templates.filling import composed
from splitrun.spec.templates.starting import new_experiment

__all__ = ["fresh"]


def fresh(template: str, key: str = "new") -> str:
    """Give the text of a new experiment from a template that ships."""
    made = composed(template, {})
    return new_experiment(key, made.packs[0].label, made.document, made.packs[0].header.mei)
