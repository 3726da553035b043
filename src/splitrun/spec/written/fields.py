"""Which keys a model knows at a place that pydantic names, so that an unknown one gets a suggestion."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo

__all__ = ["fields", "nearest", "suggested"]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Give the known name that a name was probably meant to be."""
    return next(iter(get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)), None)


def suggested(name: str, known: Iterable[str]) -> str:
    """Say what was probably meant by a name that nobody knows, or what is known."""
    names = sorted(known)
    near = nearest(name, names)
    if near:
        return f"did you mean {near!r}?"
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"known are {listed}" if names else "none is known here; define it first"


def fields(kind: Any, loc: tuple[str | int, ...]) -> dict[str, FieldInfo]:  # noqa: ANN401 - any annotation there is
    """Give the fields, by the name people write, of the model at a place.

    Args:
        kind: A model, or any type that pydantic reads.
        loc: Keys, indices and union tags, as in pydantic's errors.
    """
    for step in loc:
        kind = inner(kind, step)
    kind = stripped(kind)
    return named(kind) if is_model(kind) else {}


def named(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Give a model's fields by the name people write."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def inner(kind: Any, step: str | int) -> Any:  # noqa: ANN401 - any annotation there is
    """Go one step into a type; a step that is a union's tag chooses among its members."""
    kind = stripped(kind)
    if is_model(kind):
        field = named(kind).get(str(step))
        return None if field is None else field.annotation
    origin, parts = get_origin(kind), get_args(kind)
    if origin is dict:
        return parts[1]
    if origin is tuple:
        return parts[0]
    return next((part for part in parts if step in tags(part)), None)


def stripped(kind: Any) -> Any:  # noqa: ANN401 - any annotation there is
    """Take off annotations, and the None of what may be left out."""
    while True:
        origin, parts = get_origin(kind), get_args(kind)
        if origin is Annotated:
            kind = parts[0]
        elif (
            origin in {Union, UnionType}
            and len(real := [part for part in parts if part is not NoneType]) == 1
        ):
            kind = real[0]
        else:
            return kind


def tags(kind: Any) -> set[str]:  # noqa: ANN401 - any annotation there is
    """Give the tags by which a union knows one of its members."""
    marks = (
        {part.tag for part in get_args(kind)[1:] if type(part) is Tag}
        if get_origin(kind) is Annotated
        else set()
    )
    kind = stripped(kind)
    if is_model(kind) and "kind" in kind.model_fields:
        said = kind.model_fields["kind"].annotation
        marks |= set(get_args(said)) if get_origin(said) is Literal else set()
    return marks


def is_model(kind: Any) -> bool:  # noqa: ANN401 - any annotation there is
    """Tell a model from other types."""
    return type(kind) is type(BaseModel) and issubclass(kind, BaseModel)
