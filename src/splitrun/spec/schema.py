"""JSON Schema (draft 2020-12) of the files a user writes, for editors that complete and check."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from splitrun.errors import Mistake, SpecError
from splitrun.spec.experiment import Experiment
from splitrun.spec.flag import Switchboard
from splitrun.spec.project import Annotation, Definitions, Project
from splitrun.spec.written.fields import suggested

__all__ = ["SCHEMAS", "schema"]

SCHEMAS: dict[str, TypeAdapter[Any]] = {
    "experiment": TypeAdapter(Experiment),
    "project": TypeAdapter(Project),
    "metrics": TypeAdapter(Definitions),
    "flags": TypeAdapter(Switchboard),
    "annotations": TypeAdapter(tuple[Annotation, ...]),
}
"""By the name of the file's kind."""

FILLED = ("Exposures", "Hypothesis", "Expectation", "Metrics", "Duration")
"""Parts of an experiment that a template may fill."""


def schema(name: str) -> dict[str, Any]:
    """Give the schema of a kind of file.

    Args:
        name: experiment, project, metrics, flags or annotations.

    Raises:
        SpecError: There is no such kind.
    """
    if name not in SCHEMAS:
        raise SpecError([Mistake(f"there is no schema {name!r}", suggested(name, SCHEMAS))])
    made = SCHEMAS[name].json_schema(mode="validation", by_alias=True)
    if name == "experiment":
        made = with_templates(made)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": f"splitrun {name}"}


def with_templates(made: dict[str, Any]) -> dict[str, Any]:
    """Let an experiment leave out what a template or another experiment fills."""
    parts = {
        key: {word: rule for word, rule in part.items() if word != "required"} if key in FILLED else part
        for key, part in made["$defs"].items()
    }
    links: list[dict[str, Any]] = [{"required": ["template"]}, {"required": ["extends"]}]
    whole = {"required": [key for key in made["required"] if key != "key"]}
    return {**made, "$defs": parts, "required": ["key"], "anyOf": [*links, whole]}
