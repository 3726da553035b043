"""Words of `splitrun power` as the question that they ask; loads nothing but the standard library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from splitrun.errors import Mistake, SpecError

__all__ = ["question_of"]

Given = Mapping[str, str | float | None]

SAME = (
    "better",
    "units",
    "alpha",
    "power",
    "primaries",
    "guardrails",
    "method",
    "looks",
    "spending",
    "spending_parameter",
    "units_per_day",
    "enrol",
    "window",
)
"""Options that go into the question as they are."""


def question_of(given: Mapping[str, Any]) -> dict[str, object]:
    """The question that options ask; without an experiment, or beside one that says it all itself.

    Args:
        given: Every option by its name in Python, with None or false where nothing is written.

    Raises:
        SpecError: Options are missing, or do not go together.
    """
    known = {name: given[name.replace("-", "_")] for name in (*EXAMPLES, "adjust-r2", "clusters")}
    told = any(value is not None for value in (given["kind"], *known.values()))
    asked: dict[str, object] = {
        "baseline": baseline_of(given["kind"], known) if told or given["experiment"] is None else None,
        **{name: given[name] for name in SAME},
        **{name: read_number(given[name]) for name in ("mei", "margin", "coverage")},
        "weights": weights_of(given["weights"], given["treatments"]),
        "one_sided": given["one_sided"] or None,
        "futility": given["futility"] or None,
        "whole_weeks": False if given["any_days"] else None,
    }
    return {name: value for name, value in asked.items() if value is not None}


def read_number(written: str | None) -> str | float | None:
    """A number where one is written, text otherwise, nothing where nothing is."""
    return None if written is None else number(written)


def number(written: str) -> str | float:
    """A number where one is written; anything else stays text, for whoever knows how it is read."""
    try:
        return float(written)
    except ValueError:
        return written


def weights_of(written: str | None, treatments: int | None) -> tuple[int, ...] | None:
    """Weights as they are written, like 1:1 or 2:1:1, control first; or equal ones of so many treatments.

    Raises:
        SpecError: They are no weights, or both are given.
    """
    if written is None:
        return None if treatments is None else (1,) * (treatments + 1)
    if treatments is not None:
        says = f"--weights {written} and --treatments {treatments} both say how many treatments there are"
        raise SpecError([Mistake(says, "take one of them out")])
    parts = written.replace(",", ":").split(":")
    if len(parts) < 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        says = f"--weights {written} are no weights"
        raise SpecError([Mistake(says, "write whole numbers above 0 with colons, control first, like 1:1")])
    return tuple(int(part) for part in parts)


def baseline_of(kind: str | None, given: Given) -> dict[str, object]:
    """The baseline that options describe, by kind; where none is named, by how it is written.

    Args:
        kind: share, mean or ratio.
        given: `baseline`, `sd`, `over`, `under`, `correlation`, `adjust-r2` and `clusters` as written.

    Raises:
        SpecError: Options are missing, or belong to another kind.
    """
    chosen = kind or guessed(given)
    wanted = {"share": ("baseline",), "mean": ("baseline", "sd"), "ratio": ("over", "under", "correlation")}
    if chosen not in wanted:
        raise SpecError([Mistake(f"--kind {chosen} is not known", "write share, mean or ratio")])
    mistakes = [
        Mistake(f"--kind {chosen} needs --{name}", f"add {EXAMPLES[name]}")
        for name in wanted[chosen]
        if given.get(name) is None
    ]
    mistakes += [
        Mistake(f"--{name} does not belong to --kind {chosen}", "take it out, or name another kind")
        for name in EXAMPLES
        if given.get(name) is not None and name not in wanted[chosen]
    ]
    if mistakes:
        raise SpecError(mistakes)
    return {**moments(chosen, given), **besides(given)}


EXAMPLES = {
    "baseline": "--baseline 12% of a share, or --baseline 8 of a mean",
    "sd": "--sd 20, the standard deviation over units (a share is written 12%)",
    "over": "--over 8,20, mean and standard deviation of the numerator",
    "under": "--under 2,3, mean and standard deviation of the denominator",
    "correlation": "--correlation 0.5, of numerator and denominator over units",
}


def guessed(given: Given) -> str:
    """The kind, by how the baseline is written."""
    if given.get("over") is not None or given.get("under") is not None:
        return "ratio"
    percent = str(given.get("baseline")).strip().endswith("%")
    return "share" if percent or given.get("baseline") is None else "mean"


def moments(kind: str, given: Given) -> dict[str, object]:
    """Where the metric lies and how much units differ."""
    match kind:
        case "share":
            return {"share": number(str(given["baseline"]))}
        case "mean":
            return {"mean": number(str(given["baseline"])), "sd": given["sd"]}
        case _:
            return {
                "over": part("over", str(given["over"])),
                "under": part("under", str(given["under"])),
                "correlation": given["correlation"],
            }


def part(name: str, written: str) -> dict[str, object]:
    """Mean and standard deviation of a part of a ratio."""
    mean, sd = listed(name, written, EXAMPLES[name], least=2, most=2)
    return {"mean": mean, "sd": sd}


def besides(given: Given) -> dict[str, object]:
    """What adjusting explains, and how alike clusters are."""
    found: dict[str, object] = {}
    if given.get("adjust-r2") is not None:
        found["r2"] = given["adjust-r2"]
    if given.get("clusters") is not None:
        form = "--clusters 20,0.05: units per cluster and icc; a third number is the spread of sizes"
        values = listed("clusters", str(given["clusters"]), form, least=2, most=3)
        found["clusters"] = dict(zip(("size", "icc", "spread"), values, strict=False))
    return found


def listed(name: str, written: str, form: str, *, least: int, most: int) -> list[float]:
    """Numbers with commas between them.

    Raises:
        SpecError: They are no numbers, or too few or many.
    """
    parts = [number(each) for each in written.split(",")]
    values = [each for each in parts if type(each) is float]
    if len(values) != len(parts) or not least <= len(parts) <= most:
        raise SpecError([Mistake(f"--{name} {written} cannot be read", f"write {form}")])
    return values
