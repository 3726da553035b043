"""Pydantic's errors in plain words, at the places of the document that was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from splitrun.errors import Mistake, Place
from splitrun.spec.amount import shown
from splitrun.spec.written.document import Document, Path, Value
from splitrun.spec.written.fields import fields, nearest

__all__ = ["KEY_SIGNS", "Faults", "faults"]

Faults = list[tuple[Path, Mistake]]
"""Mistakes with the paths they are about."""

KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping of keys to values",
    "tuple_type": "a list",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "invalid_key": "text",
}
BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}
KEY_SIGNS = (
    "start with a lower-case letter or digit, then letters, digits, dot, dash or underscore, at most 128"
)


def faults(error: ValidationError, kind: Any, document: Document) -> Faults:  # noqa: ANN401 - any annotation there is
    """Word every error of a validation.

    Args:
        error: What pydantic found.
        kind: The type that was validated against.
        document: What was validated.
    """
    found = error.errors(include_url=False)
    meant = {(path_of(each["loc"][:-1], document), suggestion(each, kind)) for each in found if unknown(each)}
    worded: Faults = []
    for each in found:
        path = path_of(each["loc"], document, names_key=each["type"] in {"missing", "extra_forbidden"})
        if each["type"].startswith("union_tag"):
            path = (*path, "kind")
        if each["type"] == "missing" and (path[:-1], path[-1]) in meant:
            continue
        if each["type"] == "too_short" and enough(document.at(path), each["ctx"]["min_length"]):
            continue  # pydantic leaves out the items that are wrong, and then misses them
        told = mistake(each, path, kind, document)
        if worded and worded[-1][0] == path and each["type"] in KINDS and each["type"] != "invalid_key":
            what = f"{short(each['input'])} stands where text, a number, true or false belongs"
            told = replace(told, says=what, next="write one of these")
            worded.pop()
        worded.append((path, told))
    return worded


def enough(value: Value, least: int) -> bool:
    """Whether a list or mapping holds as much as it must, right or wrong."""
    match value:
        case tuple() | dict():
            return len(value) >= least
        case _:
            return False


def unknown(each: ErrorDetails) -> bool:
    """Whether the error is about a key that nobody knows."""
    return each["type"] == "extra_forbidden"


def suggestion(each: ErrorDetails, kind: Any) -> str | None:  # noqa: ANN401 - any annotation there is
    """Give the key that an unknown one was probably meant to be."""
    return nearest(str(each["loc"][-1]), fields(kind, each["loc"][:-1]))


def path_of(loc: tuple[str | int, ...], document: Document, *, names_key: bool = False) -> Path:
    """Turn pydantic's place into a path of the document, leaving out the tags of unions.

    Args:
        loc: Keys, indices and union tags.
        document: What was validated.
        names_key: The last step is a key, written or missing, and no tag.
    """
    path: Path = ()
    here = document.value
    for index, step in enumerate(loc):
        if step == "[key]":
            break
        last = index == len(loc) - 1
        key = found_key(here, step)
        match here:
            case dict() if key in here:
                path, here = (*path, key), here[key]
            case tuple() if type(step) is int:
                path, here = (*path, step), here[step]
            case dict() if last and names_key:
                path = (*path, step)
            case _:
                continue
    return path


def found_key(here: Value, step: str | int) -> str | int | float | bool | None:
    """Give the key as it is written; pydantic names all keys as text."""
    match here:
        case dict():
            return next((key for key in here if key == step and type(key) is type(step)), None) or next(
                (key for key in here if str(key) == str(step)), step
            )
        case _:
            return step


def mistake(each: ErrorDetails, path: Path, kind: Any, document: Document) -> Mistake:  # noqa: ANN401 - any annotation there is
    """Word one error."""
    loc, value, context = each["loc"], each["input"], each.get("ctx", {})
    match each["type"]:
        case "extra_forbidden":
            return document.mistake(path, "this key is not known here", instead(each, kind), at_key=True)
        case "missing":
            says = f"`{loc[-1]}` is missing"
            return document.mistake(path[:-1], says, f"write `{loc[-1]}`{described(loc, kind)}")
        case "expression":
            return pointed(
                document.mistake(path, context["says"], context["next"]), document, path, context["at"]
            )
        case "value_error":
            says, _, remedy = str(context["error"]).rpartition("; ")
            return document.mistake(path, says, remedy)
        case "string_pattern_mismatch":
            return document.mistake(path, f"{short(value)} is no name", KEY_SIGNS, at_key="[key]" in loc)
        case _:
            return document.mistake(path, *plain(each["type"], value, context), at_key="[key]" in loc)


def plain(kind: str, value: Any, context: dict[str, Any]) -> tuple[str, str]:  # noqa: ANN401 - what was written
    """Word what is wrong with one value, and what to do."""
    if kind in KINDS:
        return f"{short(value)} stands where {KINDS[kind]} belongs", f"write {KINDS[kind]}"
    if kind in BOUNDS:
        word, bound = BOUNDS[kind]
        return (
            f"this must be {word} {context[bound]:g}, not {short(value)}",
            f"write a number {word} {context[bound]:g}",
        )
    return WORDS.get(kind, other)(value, context)


def choice(value: Any, context: dict[str, Any]) -> tuple[str, str]:  # noqa: ANN401 - what was written
    """Word a value that is none of the words that may stand here."""
    known = context.get("expected") or context.get("expected_tags") or ""
    words = [word.strip().strip("'\"") for word in known.replace(" or ", ", ").split(",")]
    written = value["kind"] if type(value) is dict and "kind" in value else value
    near = nearest(written, words) if type(written) is str else None
    remedy = f"did you mean {near}?" if near else f"write {' or '.join(words)}"
    return f"{short(written)} is not one of {', '.join(words)}", remedy


def no_kind(_value: Any, context: dict[str, Any]) -> tuple[str, str]:  # noqa: ANN401 - what was written
    """Word a metric that does not say its kind."""
    return (
        "`kind` is missing",
        "write `kind: share`, or mean, ratio, distinct, retention, quantile, active_days"
        if context
        else "write `kind`",
    )


def few(_value: Any, context: dict[str, Any]) -> tuple[str, str]:  # noqa: ANN401 - what was written
    """Word a list or mapping that holds too little."""
    least, held = context["min_length"], context["actual_length"]
    return f"{held or 'nothing'} is written where at least {least} must be", f"write at least {least}"


def many(_value: Any, context: dict[str, Any]) -> tuple[str, str]:  # noqa: ANN401 - what was written
    """Word a list that holds too much."""
    most, held = context["max_length"], context["actual_length"]
    return f"{held} are written where at most {most} may be", f"write at most {most}"


def long(value: Any, context: dict[str, Any]) -> tuple[str, str]:  # noqa: ANN401 - what was written
    """Word text that is too long."""
    return f"the text has {len(value):,} characters", f"write at most {context['max_length']:,}"


def blank(_value: Any, _context: dict[str, Any]) -> tuple[str, str]:  # noqa: ANN401 - what was written
    """Word text that is not there."""
    return "nothing is written where text belongs", "write it, or take it out"


def other(value: Any, _context: dict[str, Any]) -> tuple[str, str]:  # noqa: ANN401 - what was written
    """Word what is left: a value that fits none of the forms this key may have."""
    return f"{short(value)} cannot stand here", "see `splitrun schema` for what this key may hold"


WORDS: dict[str, Callable[[Any, dict[str, Any]], tuple[str, str]]] = {
    "enum": choice,
    "literal_error": choice,
    "union_tag_invalid": choice,
    "union_tag_not_found": no_kind,
    "too_short": few,
    "too_long": many,
    "string_too_long": long,
    "string_too_short": blank,
}


def instead(each: ErrorDetails, kind: Any) -> str:  # noqa: ANN401 - any annotation there is
    """Say which key was probably meant, or which there are."""
    near = suggestion(each, kind)
    known = ", ".join(fields(kind, each["loc"][:-1]))
    return f"did you mean `{near}`?" if near else f"take it out; known are {known}"


def described(loc: tuple[str | int, ...], kind: Any) -> str:  # noqa: ANN401 - any annotation there is
    """Say what a missing key is for."""
    field = fields(kind, loc[:-1]).get(str(loc[-1]))
    text = (field.description or "") if field else ""
    first = text.split("\n")[0].rstrip(".")
    return f": {first[0].lower()}{first[1:]}" if first else ""


def pointed(mistake: Mistake, document: Document, path: Path, at: int) -> Mistake:
    """Move a mistake's place to the character of the text that it is about."""
    mark = document.marks.get(path)
    if mark is None or mark.text is None:
        return replace(mistake, says=f"{mistake.says} (character {at + 1} of the text)")
    place = Place(mark.text.file, mark.text.line, mark.text.column + at)
    return replace(mistake, place=place)


def short(value: Any) -> str:  # noqa: ANN401 - what was written
    """Show a value, cut where it is long."""
    if type(value) is str:
        return repr(value if len(value) <= 60 else f"{value[:60]}…")
    return shown(value)
