"""How the plan that is there now differs from the one that was sealed, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import rfc8785

from splitrun.plan.sealing.canonical import canonical
from splitrun.spec.plan import Plan

__all__ = ["Deviation", "Difference", "deviations", "differences", "told"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

SHOWN = 120
"""Characters of a value that are shown."""

BESIDE = 40
"""Characters that are shown before the first that differs, where a value is too long."""

WITHIN = {"metrics": "metric", "segments": "segment", "sources": "source"}
"""Lists whose items have a key and a content; the content's fields are named as the item's own."""

KEYED = (*WITHIN, "variants")

RECORDED = frozenset(
    {
        "assumptions",
        "baselines",
        "delivery",
        "form",
        "owner",
        "policy",
        "reviewers",
        "signoffs",
        "templates",
        "title",
        "waivers",
    }
)
"""What no number and no verdict of a readout rests on."""

TOLD = frozenset({("hypothesis", "because"), ("hypothesis", "change")})

DESCRIBED = frozenset({"describe", "owner"})
"""Of a metric: words for people."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """One field that is not as it was sealed."""

    field: str
    """Dotted path in the plan's JSON, metrics, segments, sources and variants by their keys:
    `analysis.alpha`, `metrics.revenue.window`."""
    sealed: str
    """As canonical JSON, shortened; empty where there was nothing."""
    now: str
    """The same of what is there now."""
    confirmatory: bool
    """Whether a number or a verdict rests on it; not on titles, owners, delivery, baselines."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that differs, with its whole values."""

    path: tuple[str, ...]
    sealed: Json
    now: Json


def deviations(sealed: Plan, now: Plan) -> tuple[Deviation, ...]:
    """Name every field in which a plan is not what was sealed, in the order of the paths.

    A sealed plan without `methods` is of a Splitrun that did not write them; they are not compared then.

    Args:
        sealed: The plan in force, read back.
        now: The plan that is there now.

    Returns:
        Nothing exactly where both have the same digest, methods that were not written aside.

    Raises:
        SpecError: One of them has no canonical JSON.
    """
    return tuple(told(one) for one in differences(sealed, now))


def differences(sealed: Plan, now: Plan) -> tuple[Difference, ...]:
    """Every field that differs, with its whole values.

    Raises:
        SpecError: One of the plans has no canonical JSON.
    """
    before, after = tree(sealed), tree(now)
    if "methods" not in before:
        after.pop("methods", None)
    return tuple(sorted(between((), before, after), key=lambda one: one.path))


def tree(plan: Plan) -> dict[str, Json]:
    """A plan's JSON, its lists of keyed things as mappings by key.

    Raises:
        SpecError: It has no canonical JSON.
    """
    whole: dict[str, Json] = json.loads(canonical(plan))
    return {name: keyed(name, value) for name, value in whole.items()}


def keyed(name: str, value: Json) -> Json:
    """A list of keyed things as a mapping, with their order beside it."""
    match value:
        case list(items) if name in KEYED:
            flat = dict(flattened(name, item) for item in items)
            return {**flat, ORDER: list(flat)}
        case _:
            return value


ORDER = ""
"""Stands for the order of the keys; no key is empty."""


def flattened(name: str, item: Json) -> tuple[str, Json]:
    """An item's key, and the rest of it with the content's fields among its own."""
    match item:
        case {"key": str(key), **rest}:
            content = rest.pop(WITHIN.get(name, ""), {})
            return key, {**rest, **(content if isinstance(content, dict) else {})}
        case _:  # pragma: no cover  # a plan's own JSON always names its items
            return "", item


def between(path: tuple[str, ...], sealed: Json, now: Json) -> Iterator[Difference]:
    """What differs at a path and below it."""
    match sealed, now:
        case dict(), dict():
            for name in {**sealed, **now}:
                if name == ORDER:
                    yield from reordered(path, sealed, now)
                else:
                    yield from between((*path, name), sealed.get(name), now.get(name))
        case _ if exactly(sealed) != exactly(now):
            yield Difference(path, sealed, now)


def reordered(
    path: tuple[str, ...], sealed: Mapping[str, Json], now: Mapping[str, Json]
) -> Iterator[Difference]:
    """The order of the keys that both have, where it differs."""
    before, after = ([name for name in one if name in sealed and name in now] for one in (sealed, now))
    if before != after:
        yield Difference(path, [*before[:-1]], [*after[:-1]])


def told(one: Difference) -> Deviation:
    """A difference as people read it."""
    sealed, now = exactly(one.sealed), exactly(one.now)
    start = next((at for at, (a, b) in enumerate(zip(sealed, now, strict=False)) if a != b), 0)
    return Deviation(
        field=".".join(one.path),
        sealed=shortened(sealed, start),
        now=shortened(now, start),
        confirmatory=matters(one),
    )


def matters(one: Difference) -> bool:
    """Whether a number or a verdict rests on what differs."""
    top, last = one.path[0], one.path[-1]
    if top in RECORDED or one.path in TOLD:
        return False
    if top == "metrics" and len(one.path) > 2 and last in DESCRIBED:
        return False
    # the order in which metrics and cuts are written decides nothing; that of variants names control
    return one.path not in {("metrics",), ("segments",), ("sources",)}


def exactly(value: Json) -> str:
    """A value as canonical JSON; empty for nothing."""
    return "" if value is None else rfc8785.dumps(value).decode()


def shortened(text: str, start: int) -> str:
    """A text with what differs in view, cut to what people read."""
    if len(text) <= SHOWN:
        return text
    begin = max(0, min(start - BESIDE, len(text) - SHOWN))
    end = begin + SHOWN
    return f"{'…' * (begin > 0)}{text[begin:end]}{'…' * (end < len(text))}"
