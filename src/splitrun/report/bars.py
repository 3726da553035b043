"""Interval bars as inline SVG: places are percentages, so that bars are as wide as their column."""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.report.axis import Axis, Bar

__all__ = ["drawing", "ruler"]

HEIGHT = 28
"""Of a bar, in pixels."""
MIDDLE = HEIGHT // 2
FULL, FAINT = 0.45, 0.15
"""Opacity of an interval, and of its part towards an end that is not bounded."""


def drawing(title: str, tone: str, bar: Bar, axis: Axis) -> str:
    """An interval on the axis; its title says the same in words.

    Args:
        title: The interval in words, escaped.
        tone: Class that gives the interval its colour.
        bar: Where the interval lies.
        axis: What it lies on.
    """
    inside = "".join(
        [
            rule(axis.place(0.0), "zero"),
            *(rule(line, "line") for line in bar.lines),
            f'<g class="{tone}">',
            *beams(bar),
            *marks(bar),
            "</g>",
        ]
    )
    return figure(title, inside, HEIGHT)


def beams(bar: Bar) -> Iterator[str]:
    """Both halves of an interval."""
    for start, end, unbounded in (
        (bar.low, bar.near, bar.unbounded_below),
        (bar.near, bar.high, bar.unbounded_above),
    ):
        yield (
            f'<line x1="{at(start)}" x2="{at(end)}" y1="{MIDDLE}" y2="{MIDDLE}" stroke="currentColor" '
            f'stroke-width="8" stroke-opacity="{FAINT if unbounded else FULL}"/>'
        )


def marks(bar: Bar) -> Iterator[str]:
    """The effect as a dot, and heads where the interval goes on beyond the axis."""
    if bar.more_below:
        yield arrow(0.0, -1)
    if bar.more_above:
        yield arrow(1.0, 1)
    if bar.effect is not None:
        yield f'<circle cx="{at(bar.effect)}" cy="{MIDDLE}" r="6" fill="currentColor"/>'


def ruler(axis: Axis) -> str:
    """The axis: its ends and zero."""
    low, high = axis.ends
    zero = axis.place(0.0)
    words = [word(0.0, "start", low), word(1.0, "end", high)]
    if 0.25 < zero < 0.75:
        words.append(word(zero, "middle", "0"))
    ticks = "".join(
        f'<line x1="{at(place)}" x2="{at(place)}" y1="20" y2="28" stroke="currentColor"/>'
        for place in (0.0, zero, 1.0)
    )
    base = '<line x1="0%" x2="100%" y1="24" y2="24" stroke="currentColor" stroke-opacity="0.5"/>'
    return figure(f"axis from {low} to {high}", "".join(words) + base + ticks, HEIGHT)


def figure(title: str, inside: str, height: int) -> str:
    """An SVG with its title, for those who do not see it."""
    return (
        f'<svg role="img" aria-label="{title}" width="100%" height="{height}">'
        f"<title>{title}</title>{inside}</svg>"
    )


def rule(place: float, kind: str) -> str:
    """An upright line at a place of the axis: zero, or dashed for a minimum or margin."""
    look = 'stroke-opacity="0.6"' if kind == "zero" else 'stroke-dasharray="3 3" stroke-opacity="0.9"'
    return f'<line x1="{at(place)}" x2="{at(place)}" y1="0" y2="{HEIGHT}" stroke="currentColor" {look}/>'


def arrow(place: float, way: int) -> str:
    """A head that says that the interval goes on beyond the axis."""
    points = f"{way * 9},{MIDDLE} 0,{MIDDLE - 8} 0,{MIDDLE + 8}"
    return f'<svg x="{at(place)}" overflow="visible"><polygon points="{points}" fill="currentColor"/></svg>'


def word(place: float, anchor: str, says: str) -> str:
    """A word above the axis."""
    look = f'y="15" text-anchor="{anchor}" font-size="12" fill="currentColor"'
    return f'<text x="{at(place)}" {look}>{says}</text>'


def at(place: float) -> str:
    """A place of the axis as a percentage of its width."""
    return f"{place * 100:.2f}%"
