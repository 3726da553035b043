"""The expected power curve as a drawing; the numbers stand in a table behind it."""

from __future__ import annotations

from splitrun.plan.power.forecast import Forecast

__all__ = ["drawn"]

WIDE, HIGH = 640, 280
LEFT, RIGHT, TOP, BELOW = 52, 16, 14, 40
"""Room around the drawing for what is written on its axes."""


def drawn(ahead: Forecast) -> str:
    """Power by units as an SVG without script or style; nothing where no effect is asked about."""
    known = [(point.units, point.power) for point in ahead.curve if point.power is not None]
    if len(known) < 2:
        return ""
    most = max(units for units, _ in known)

    def x(units: float) -> str:
        return f"{LEFT + (WIDE - LEFT - RIGHT) * units / most:.1f}"

    def y(power: float) -> str:
        return f"{TOP + (HIGH - TOP - BELOW) * (1 - power):.1f}"

    metric = ahead.needs[0].metric
    line = " ".join(f"{x(units)},{y(power)}" for units, power in known)
    marks = [
        *(level(x(0), x(most), y(part), f"{part:.0%}") for part in (0.0, 0.25, 0.5, 0.75, 1.0)),
        *(tick(x(most * part), f"{round(most * part):,}") for part in (0.0, 0.25, 0.5, 0.75, 1.0)),
        dashed(x(0), x(most), y(ahead.each), y(ahead.each)),
        written(x(most), y(ahead.each), f"asked {ahead.each:.3g}", "end"),
    ]
    if ahead.planned is not None and ahead.planned <= most:
        marks.append(dashed(x(ahead.planned), x(ahead.planned), y(0), y(1)))
        marks.append(written(x(ahead.planned), y(0.03), " planned end", "start"))
    dots = "".join(
        f'<circle cx="{x(units)}" cy="{y(power)}" r="3" fill="currentColor"/>' for units, power in known
    )
    said = f"power to find the minimum effect on {metric}, by units of all variants"
    return (
        f'<svg viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}" role="img" aria-label="{said}">'
        f"{''.join(marks)}"
        f'<g class="settled"><polyline points="{line}" fill="none" stroke="currentColor" stroke-width="2.5"/>'
        f"{dots}</g></svg>"
    )


def level(start: str, end: str, at: str, says: str) -> str:
    """A horizontal line with what it stands for."""
    return (
        f'<line x1="{start}" x2="{end}" y1="{at}" y2="{at}" stroke="currentColor" stroke-opacity="0.18"/>'
        f'<text x="{LEFT - 8}" y="{at}" text-anchor="end" dominant-baseline="middle" font-size="12" '
        f'fill="currentColor">{says}</text>'
    )


def tick(at: str, says: str) -> str:
    """A number below the axis."""
    return (
        f'<text x="{at}" y="{HIGH - BELOW + 18}" text-anchor="middle" font-size="12" fill="currentColor">'
        f"{says}</text>"
    )


def dashed(x1: str, x2: str, y1: str, y2: str) -> str:
    """A line that marks something."""
    return (
        f'<line x1="{x1}" x2="{x2}" y1="{y1}" y2="{y2}" stroke="currentColor" stroke-opacity="0.6" '
        'stroke-dasharray="5 4"/>'
    )


def written(x: str, y: str, says: str, anchor: str) -> str:
    """A word beside a mark."""
    return (
        f'<text x="{x}" y="{y}" dy="-5" dx="4" text-anchor="{anchor}" font-size="12" fill="currentColor">'
        f"{says}</text>"
    )
