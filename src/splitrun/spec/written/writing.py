"""A value as YAML text, for people to read; what is short stands on one line."""

from __future__ import annotations

from io import StringIO

from ruamel.yaml import YAML

from splitrun.spec.written.document import Value

__all__ = ["yaml"]

WIDTH = 10_000
"""Characters of a line: what is short enough for one line is never broken inside."""


def yaml(value: Value) -> str:
    """Write a value as YAML 1.2, its keys in their order."""
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None
    writer.width = WIDTH
    writer.allow_unicode = True
    writer.representer.sort_base_mapping_type_on_output = False
    text = StringIO()
    writer.dump(listed(value), text)
    return text.getvalue()


def listed(value: Value) -> object:
    """Copy a value with lists, which YAML has, in place of tuples."""
    match value:
        case dict():
            return {key: listed(part) for key, part in value.items()}
        case tuple():
            return [listed(part) for part in value]
        case _:
            return value
