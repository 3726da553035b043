"""Texts to start from: the files of a new project, of a new experiment and of a new flag."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Template

from splitrun.errors import Mistake, SpecError
from splitrun.spec.written.fields import suggested
from splitrun.spec.written.wording import KEY_SIGNS

__all__ = ["FIRST", "PLACEHOLDERS", "TEMPLATES", "new_experiment", "new_flag", "new_project"]

TEMPLATES = {"conversion": ("conversion", "1pp"), "revenue": ("revenue", "1%")}
"""Templates by name, each with the primary metric it names and a size to begin with."""

PLACEHOLDERS = {
    "change": "describe what is different for treated units",
    "because": "describe what you have seen that makes it worth trying",
}
"""What a new experiment says of its hypothesis, by key, until somebody says it; no plan is made of it."""

KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")

FIRST = "experiments/first.yaml"
"""The experiment that a new project brings, on synthetic data."""

PROJECT = {
    "splitrun.yaml": "splitrun.yaml",
    "metrics/shop.yaml": "shop.yaml",
    "flags/shop.yaml": "flags.yaml",
    FIRST: "first.yaml",
    "data/exposures.csv": "exposures.csv",
    "data/orders.csv": "orders.csv",
}


def new_experiment(template: str, key: str, *, schema: str = "../.splitrun/experiment.schema.json") -> str:
    """Give the text of a new experiment, with comments.

    Args:
        template: The template it names.
        key: Its key.
        schema: Where an editor finds the JSON Schema, from the folder of the new file.

    Raises:
        SpecError: There is no such template, or the key is no name.
    """
    if not KEY.fullmatch(key):
        raise SpecError([Mistake(f"{key[:60]!r} is no name", KEY_SIGNS, "key")])
    if template not in TEMPLATES:
        raise SpecError([Mistake(f"there is no template {template!r}", suggested(template, TEMPLATES))])
    metric, mei = TEMPLATES[template]
    return Template(shipped("experiment.yaml").replace("$schema=", "$$schema=")).substitute(
        schema=schema, key=key, template=template, metric=metric, mei=mei, **PLACEHOLDERS
    )


def new_flag(key: str, *, schema: str = "../.splitrun/flags.schema.json") -> str:
    """Give the text of a file with one new flag, with comments; it serves its default as it stands.

    Args:
        key: The flag's key.
        schema: Where an editor finds the JSON Schema, from the folder of the new file.

    Raises:
        SpecError: The key is no name.
    """
    if not KEY.fullmatch(key):
        raise SpecError([Mistake(f"{key[:60]!r} is no name", KEY_SIGNS, "key")])
    return Template(shipped("flag.yaml").replace("$schema=", "$$schema=")).substitute(schema=schema, key=key)


def new_project() -> dict[str, str]:
    """Give the files of a new project: text by path from its folder."""
    return {path: shipped(name) for path, name in PROJECT.items()}


def shipped(name: str) -> str:
    """Read a text that ships with the package."""
    return (files("splitrun.spec.templates") / "start" / name).read_text(encoding="utf-8")
