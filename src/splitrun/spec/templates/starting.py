"""Texts to start from: the files of a new project, of a new experiment and of a new flag."""

from __future__ import annotations

import re
from importlib.resources import files
from string import Template

from splitrun.errors import Mistake, SpecError
from splitrun.spec.written.document import Document
from splitrun.spec.written.wording import KEY_SIGNS

__all__ = ["FIRST", "PLACEHOLDERS", "new_experiment", "new_flag", "new_project"]

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
    "data/events.csv": "events.csv",
}

ROWS = "exposures: {csv: data/exposures.csv}   # or parquet, table, query, frame"


def new_experiment(
    key: str, template: str, fills: Document, mei: str, *, schema: str = "../.splitrun/experiment.schema.json"
) -> str:
    """Give the text of a new experiment: what its template leaves open, in under ten lines.

    Args:
        key: Its key.
        template: The template with its version, like `conversion@1`.
        fills: All that the template fills.
        mei: The size to begin with.
        schema: Where an editor finds the JSON Schema, from the folder of the new file.

    Raises:
        SpecError: The key is no name.
    """
    if not KEY.fullmatch(key):
        raise SpecError([Mistake(f"{key[:60]!r} is no name", KEY_SIGNS, "key")])
    hypothesis = [
        f"  {name}: {said}" for name, said in PLACEHOLDERS.items() if fills.at(("hypothesis", name)) is None
    ]
    decides = fills.at(("hypothesis", "expect", "metric")) is not None
    expect = f"mei: {mei}" if decides else f"metric: conversion, direction: higher, mei: {mei}"
    if fills.at(("hypothesis", "expect", "mei")) is None:
        hypothesis.append(
            f"  expect: {{{expect}}}   # the least effect that matters; 1% is relative, 1pp absolute"
        )
    lines = [
        f"# yaml-language-server: $schema={schema}",
        f"key: {key}",
        f"template: {template}   # `splitrun new --show {template}` prints all that it fills",
        "owner: unknown",
        *(["hypothesis:", *hypothesis] if hypothesis else []),
        *([] if decides else ["metrics: {primary: [conversion]}"]),
        ROWS,
    ]
    return "\n".join(lines) + "\n"


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
