"""How far a frame stands for its population: a table, lines of text, and the documented JSON form."""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.plan.representation.frame import Share, left_out, shares
from splitrun.report.record import Sheet, sheet
from splitrun.spec.power.baselines import Representation

__all__ = ["frame_form", "frame_says", "frame_sheet"]


def frame_says(found: Representation) -> str:
    """In a sentence, which part of the population the frame takes."""
    whole = f"the frame takes the whole population {found.population} ({found.units:,} units)"
    return f"{left_out(found) or whole}, measured on {found.measured}"


def frame_sheet(found: Representation) -> Sheet:
    """Every level, in the population and in the frame."""
    heads = ("Attribute", "Level", "Population", "Frame", "Difference", "Standardised", "In the frame")
    return sheet("Whom the frame stands for", heads, (row(one) for one in shares(found)))


def row(one: Share) -> tuple[str, ...]:
    """One level in words."""
    many = one.level.levels
    return (
        one.attribute,
        one.level.label if many == 1 else f"{many:,} smaller levels",
        f"{one.population * 100:.1f} %",
        "-" if one.frame is None else f"{one.frame * 100:.1f} %",
        "-" if one.difference is None else f"{one.difference * 100:+.1f} pp",
        "-" if one.standardised is None else f"{one.standardised:+.3f}",
        "nobody" if one.missed else f"{one.level.frame:,} of {one.level.population:,}",
    )


def frame_form(found: Representation) -> dict[str, object]:
    """The documented JSON form; numbers are in full precision."""
    return {
        "population": found.population,
        "audience": found.audience,
        "measured": found.measured,
        "units": found.units,
        "inside": found.inside,
        "says": frame_says(found),
        "levels": list(levels(found)),
    }


def levels(found: Representation) -> Iterator[dict[str, object]]:
    """One level after another."""
    for one in shares(found):
        yield {
            "attribute": one.attribute,
            "level": one.level.label,
            "levels": one.level.levels,
            "population_units": one.level.population,
            "frame_units": one.level.frame,
            "population": one.population,
            "frame": one.frame,
            "difference": one.difference,
            "standardised": one.standardised,
            "missed": one.missed,
        }
