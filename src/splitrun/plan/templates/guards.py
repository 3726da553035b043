"""Lists in which one item stands for several: the several put in its place, each pointing at the one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from splitrun.spec.written.document import Document, Mark, Path, Value

__all__ = ["spliced"]


def spliced(document: Document, at: Path, brought: Mapping[int, Sequence[Value]]) -> Document:
    """Put guardrails where the name of their template stands.

    A metric that has a rule of its own keeps it. Mistakes in what was put there point at the name.

    Args:
        document: The experiment.
        at: The path of the list.
        brought: What comes in the place of an item, by index.
    """
    written = document.at(at)
    items = written if type(written) is tuple else ()
    told = {metric_of(item) for index, item in enumerate(items) if index not in brought}
    new: list[tuple[int, Value]] = []
    for index, item in enumerate(items):
        for each in brought.get(index, (item,)):
            if index in brought and metric_of(each) in told:
                continue
            told.add(metric_of(each))
            new.append((index, each))
    value = placed(document.value, at, tuple(item for _, item in new))
    marks, origins = moved(document, at, [index for index, _ in new])
    return Document(document.file, value, marks, origins)


def metric_of(rule: Value) -> str:
    """Give the metric that a guardrail is about, as far as it says one."""
    match rule:
        case {"metric": {"key": str(key)}} | {"metric": str(key)}:
            return key
        case _:
            return ""


def placed(value: Value, at: Path, items: tuple[Value, ...]) -> Value:
    """Copy a value with another list at a path."""
    match value, at:
        case _, ():
            return items
        case dict(), (step, *rest):
            return {**value, step: placed(value[step], tuple(rest), items)}
        case _:
            return value


def moved(document: Document, at: Path, befores: Sequence[int]) -> tuple[dict[Path, Mark], dict[Path, Path]]:
    """Give the marks after items have moved, and where each item stood before."""
    depth = len(at)
    marks = {path: mark for path, mark in document.marks.items() if path[:depth] != at or len(path) == depth}
    origins: dict[Path, Path] = {}
    for after, before in enumerate(befores):
        for path, mark in document.marks.items():
            if path[: depth + 1] == (*at, before):
                new = (*at, after, *path[depth + 1 :])
                marks[new] = mark
                origins[new] = path
    return marks, origins
