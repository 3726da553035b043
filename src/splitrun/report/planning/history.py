"""What history says, as the file that keeps it, as text, and in the documented JSON form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import sqrt
from typing import TypeAlias

from splitrun.plan.power.history import History
from splitrun.report.forecast.text import laid_out
from splitrun.report.planning.frame import frame_form, frame_says, frame_sheet
from splitrun.report.printable import folded, printable
from splitrun.spec.power.baselines import Baseline, MeanBaseline, RatioBaseline, ShareBaseline, Varying

__all__ = ["FORM", "MADE_BY", "history_form", "history_text", "history_yaml"]

Part: TypeAlias = "float | dict[str, Part]"
"""A number, or numbers by name."""

FORM = "splitrun.baselines/1"
"""Rises when a field goes or changes its meaning; a new field leaves it as it is."""

MADE_BY = "# measured by `splitrun baseline`"
"""First line of every file; a file that has it may be written over by a newer one."""


def history_yaml(found: History) -> str:
    """The file of baselines that `power`, `plan` and `register` read; numbers have six digits."""
    known = found.baselines
    lines = [
        f"{MADE_BY}; mend it by hand, or measure again before it is too old",
        f"measured: {json.dumps(printable(known.measured or ''), ensure_ascii=False)}",
        f"until: {found.until.isoformat()}",
    ]
    if known.units_per_day is not None:
        lines.append(f"units_per_day: {digits(known.units_per_day)}")
    lines.append("metrics:" if known.metrics else "metrics: {}")
    lines += [f"  {key}: {flow(written(each))}" for key, each in known.metrics.items()]
    if known.frame is not None:
        lines.append(f"frame: {json.dumps(known.frame.model_dump(mode='json'), ensure_ascii=False)}")
    lines += [printable(f"# {key} is not known: {why}") for key, why in found.unknown]
    return "\n".join(lines) + "\n"


def written(known: Baseline) -> dict[str, Part]:
    """A baseline as people write it."""
    own = moments(known)
    if known.r2 is not None:
        own["r2"] = known.r2
    if known.clusters is not None:
        alike = known.clusters
        own["clusters"] = {"size": alike.size, "icc": alike.icc, "spread": alike.spread}
    return own


def moments(known: Baseline) -> dict[str, Part]:
    """Where a metric lies and how much units differ, as people write it."""
    match known:
        case ShareBaseline(share=share):
            return {"share": share}
        case MeanBaseline():
            return spread(known)
        case RatioBaseline(over=over, under=under, correlation=correlation):
            return {"over": spread(over), "under": spread(under), "correlation": correlation}


def spread(known: Varying) -> dict[str, Part]:
    """A mean and how much units differ."""
    return {"mean": known.mean, "sd": sqrt(known.squared)}


def flow(value: Part) -> str:
    """A value as YAML in one line."""
    match value:
        case dict():
            return "{" + ", ".join(f"{name}: {flow(part)}" for name, part in value.items()) + "}"
        case _:
            return digits(value)


def digits(value: float) -> str:
    """A number with six digits, never in a form that YAML takes for text."""
    short = float(f"{value:.6g}")
    return f"{short:.1f}" if short.is_integer() and abs(short) < 1e15 else f"{short!r}"


def history_form(found: History, file: str | None) -> dict[str, object]:
    """The documented JSON form; numbers are in full precision.

    Args:
        found: What history says.
        file: Where it was written; None: nowhere.
    """
    return {
        "form": FORM,
        "key": found.key,
        "file": file,
        "source": found.source,
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "days": found.days,
        "timezone": found.timezone,
        "measured_on": found.measured_on.isoformat(),
        "units": found.units,
        "control": found.control,
        "units_per_day": found.baselines.units_per_day,
        "metrics": {key: written(each) for key, each in found.baselines.metrics.items()},
        "frame": None if found.baselines.frame is None else frame_form(found.baselines.frame),
        "unknown": [{"metric": key, "why": why} for key, why in found.unknown],
        "notes": list(found.notes),
    }


def history_text(found: History, width: int = 100) -> str:
    """Plain text of so many columns, at least 80."""
    wide = max(80, width)
    return "\n".join(line.rstrip() for line in told(found, wide))


def told(found: History, wide: int) -> Iterator[str]:
    """Line after line."""
    per_day = found.baselines.units_per_day
    rate = "" if per_day is None else f": {per_day:,.{1 if per_day < 1_000 else 0}f} eligible units each day"
    yield from folded(
        f"{found.units:,} units of {found.source} from {found.since} until {found.until} "
        f"({found.days} days){rate}",
        wide,
        "",
        "  ",
    )
    if found.control != found.units:
        yield f"metrics are those of its control, {found.control:,} units"
    rows: list[tuple[str, ...]] = [("metric", "baseline", "explained by what was known before", "clusters")]
    rows += [row(key, each) for key, each in found.baselines.metrics.items()]
    yield ""
    yield from laid_out(rows)
    frame = found.baselines.frame
    if frame is not None:
        shown = frame_sheet(frame)
        yield ""
        yield from folded(printable(frame_says(frame)), wide, "", "  ")
        yield from laid_out([shown.heads, *shown.rows])
    for key, why in found.unknown:
        yield from folded(printable(f"! {key} is not known: {why}"), wide, "", "  ")
    for note in found.notes:
        yield from folded(printable(f"! {note}"), wide, "", "  ")


def row(key: str, known: Baseline) -> tuple[str, ...]:
    """One metric in words."""
    alike = known.clusters
    return (
        printable(key),
        level(known),
        "-" if known.r2 is None else f"{known.r2:.1%}",
        "-" if alike is None else f"{alike.size:.3g} units each, icc {alike.icc:.3g}",
    )


def level(known: Baseline) -> str:
    """Where a metric lies, in words."""
    match known:
        case ShareBaseline(share=share):
            return f"{share * 100:.4g}%"
        case MeanBaseline(mean=mean):
            return f"{mean:.5g}, sd {sqrt(known.squared):.5g}"
        case RatioBaseline(over=over, under=under):
            return f"{over.mean / under.mean:.5g} ({over.mean:.5g} over {under.mean:.5g})"
