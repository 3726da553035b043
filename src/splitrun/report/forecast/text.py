"""A forecast as plain text, readable from 80 columns up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from splitrun.plan.power.forecast import Forecast, Need, Point
from splitrun.plan.power.prices import DAILY, Price
from splitrun.plan.power.setting import Aim
from splitrun.report.printable import columns, folded, printable
from splitrun.spec.analysis import Method

__all__ = ["head", "laid_out", "pointed", "priced", "row", "text"]

BAR = 20
"""Columns of a bar that is full."""
FULL, HALF = "█", "▌"

NAMES = {
    Method.FIXED: "fixed",
    Method.GROUP_SEQUENTIAL: "group_sequential",
    Method.SEQUENTIAL: "sequential",
    Method.HYBRID: "hybrid",
}


def text(found: Forecast, *, width: int = 100, advising: bool = True) -> str:
    """Write a forecast as plain text.

    Args:
        found: What to show.
        width: Columns to fill; less than 80 is taken as 80.
        advising: Whether the advice stands below it.
    """
    wide = max(80, width)
    lines = [*head(found, wide), *metrics(found), *guardrails(found), *methods(found), *points(found)]
    for advice in found.advice if advising else ():
        lines += ["", *folded(printable(f"! {advice.code}: {advice.says}"), wide, "", "  ")]
        lines += folded(printable(f"next: {advice.next}"), wide, "  ", "  ")
    return "\n".join(line.rstrip() for line in lines)


def head(found: Forecast, width: int) -> Iterator[str]:
    """The answer in a few sentences."""
    if found.units is not None:
        parts = ", ".join(f"{split.variant} {split.units:,}" for split in found.by_variant)
        says = f"needs {found.units:,} units in all: {printable(parts)}"
        yield from folded(says, width, "", "  ")
        if found.days is not None and found.enrolment is not None:
            rest = found.days - found.enrolment
            seen = f", {found.enrolment} to enrol and {rest} to observe" if rest else ""
            yield f"takes {days(found.days)}{seen}"
    elif any(need.must for need in found.needs):
        yield "no number of units is enough; see below"
    if found.planned is not None:
        when = "" if found.planned_days is None else f" after {days(found.planned_days)}"
        yield f"planned end{when}: {found.planned:,} units{sure(found)}"
    if found.each != found.power:
        says = (
            f"power {found.power:.0%} for the whole plan; {found.each:.4g} for each metric that must be "
            "shown, so that all of them are shown together"
        )
        yield from folded(says, width, "", "  ")


def sure(found: Forecast) -> str:
    """How sure the planned end is to show all that must be shown."""
    if found.together is None or found.independent is None:
        return ""
    if sum(need.must for need in found.needs) == 1:
        return f", power {found.together:.1%}"
    return f", all shown together with {found.together:.1%} at least, {found.independent:.1%} if independent"


def days(number: int) -> str:
    """A number of days in words."""
    return "1 day" if number == 1 else f"{number:,} days"


def metrics(found: Forecast) -> Iterator[str]:
    """A row for every metric."""
    rows: list[tuple[str, ...]] = [
        ("metric", "role", "baseline", "to show", "alpha", "power", "units", "detects at the planned end")
    ]
    rows += [row(need) for need in found.needs]
    yield ""
    yield from laid_out(rows)


def row(need: Need) -> tuple[str, ...]:
    """One metric in words."""
    asked = "-" if need.size is None else amount(need.size, need.relative, share=need.share)
    if need.size is not None and need.aim is Aim.MARGIN:
        asked = f"within {asked}"
    seen = "-"
    if need.detectable is not None:
        seen = amount(need.detectable, need.detectable_relative, share=need.share)
        seen = f"{seen} at {need.power:.3g}"
        if need.reached is not None:
            seen += f"; power {need.reached:.1%}"
    return (
        printable(need.metric),
        need.role.value,
        f"{need.baseline * 100:.5g}%" if need.share else f"{need.baseline:.5g}",
        asked,
        f"{need.alpha:.3g}{'' if need.sides == 2 else ' one-sided'}",
        f"{need.power:.3g}" if need.must else "-",
        "-" if need.units is None else f"{need.units:,}",
        seen,
    )


def amount(absolute: float, relative: float | None, *, share: bool) -> str:
    """A size in the metric's unit and as a part of control."""
    own = f"{absolute * 100:.3g}pp" if share else f"{absolute:.3g}"
    return own if relative is None else f"{own} ({relative * 100:.3g}%)"


def guardrails(found: Forecast) -> Iterator[str]:
    """What each proved guardrail costs."""
    if not found.costs:
        return
    rows = [("proved guardrail", "alone", "plan without it", "costs")]
    rows += [
        (
            printable(cost.metric),
            "-" if cost.units_alone is None else f"{cost.units_alone:,}",
            "-" if cost.units_without is None else f"{cost.units_without:,}",
            "-" if cost.factor is None else f"x {cost.factor:.2f}",
        )
        for cost in found.costs
    ]
    yield ""
    yield from laid_out(rows)


def methods(found: Forecast) -> Iterator[str]:
    """What every method would cost, and where it would end."""
    if not found.prices:
        return
    rows: list[tuple[str, ...]] = [("method", "plans", "units", "days", "ends at, effect", "ends at, none")]
    rows += [priced(price) for price in found.prices]
    yield ""
    yield from laid_out(rows)


def priced(price: Price) -> tuple[str, ...]:
    """One method in words; sizes are those of one reading, times the factor."""
    name = NAMES[price.method]
    if price.method is Method.GROUP_SEQUENTIAL:
        name += f", {price.looks} {'look' if price.looks == 1 else 'looks'}"
        name += ", futility" if price.futility else ""
    if price.method is Method.SEQUENTIAL:
        name += ", read daily" if price.looks == DAILY else ", last reading"
    return (
        f"{'* ' if price.chosen else '  '}{name}",
        f"x {price.factor:.3f}",
        "-" if price.units is None else f"{price.units:,}",
        "-" if price.days is None else f"{price.days:,}",
        f"x {price.with_effect:.2f}",
        f"x {price.without:.2f}",
    )


def points(found: Forecast) -> Iterator[str]:
    """The curve: units, days, power with a bar, and what is detected."""
    if not found.curve:
        return
    rows: list[tuple[str, ...]] = [("units", "days", "power", "", "detects")]
    rows += [pointed(point, share=found.needs[0].share) for point in found.curve]
    yield ""
    yield from laid_out(rows)


def pointed(point: Point, *, share: bool) -> tuple[str, ...]:
    """One point of the curve."""
    seen = "-"
    if point.detectable is not None:
        seen = amount(point.detectable, point.detectable_relative, share=share)
    return (
        f"{point.units:,}",
        "-" if point.days is None else f"{point.days:,}",
        "-" if point.power is None else f"{point.power:.1%}",
        "" if point.power is None else bar(point.power),
        seen,
    )


def bar(power: float) -> str:
    """A bar as long as the power."""
    halves = round(2 * BAR * power)
    return FULL * (halves // 2) + HALF * (halves % 2)


def laid_out(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows as a table, every column as wide as its widest cell."""
    widths = [max(columns(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = [cell + " " * (wide - columns(cell)) for cell, wide in zip(row, widths, strict=True)]
        yield "  ".join(cells)
