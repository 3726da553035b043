"""A preview as plain text, readable from 80 columns up."""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.report.forecast.text import laid_out
from splitrun.report.forecast.text import text as ahead_of
from splitrun.report.planning.preview import Preview
from splitrun.report.planning.rule import rule_of
from splitrun.report.planning.sheets import (
    bare,
    baselines,
    calendar,
    framed,
    kept,
    question,
    state,
    titled,
    variants,
    verdict,
)
from splitrun.report.printable import columns, folded, printable
from splitrun.report.record import Sheet

__all__ = ["preview_text"]


def preview_text(found: Preview, width: int = 100) -> str:
    """Write a preview as plain text.

    Args:
        found: What to show.
        width: Columns to fill; less than 80 is taken as 80.
    """
    wide = max(80, width)
    lines = [
        titled(found),
        verdict(found),
        *obstacles(found, wide),
        *noticed(found, wide),
        *section(question(found.plan), wide),
        *section(variants(found), wide),
        "",
        "SIZE AND TIME",
        *ahead(found, wide),
        "",
        "HOW IT WILL BE JUDGED",
        *(line for says in rule_of(found.plan) for line in folded(printable(f"- {says}"), wide, "", "  ")),
        *section(calendar(found), wide),
        *section(baselines(found), wide),
        *(line for one in framed(found) for line in section(one, wide)),
        *section(kept(found), wide),
        *(() if found.standing is None else section(state(found.standing), wide)),
        "",
        f"digest {found.digest}",
    ]
    return "\n".join(line.rstrip() for line in lines)


def obstacles(found: Preview, wide: int) -> Iterator[str]:
    """Everything that stands in the way, and what to do."""
    for mistake in found.refusals:
        yield from told(mistake.path, mistake.says, mistake.next, wide)
    for rule in found.rules:
        if rule.waiver is None:
            yield from told(f"{rule.path} ({rule.name})", rule.says, rule.next, wide)


def told(path: str, says: str, remedy: str, wide: int) -> Iterator[str]:
    """One thing in the way."""
    yield ""
    yield from folded(printable(f"! {path}: {says}"), wide, "", "  ")
    yield from folded(printable(f"next: {remedy}"), wide, "  ", "  ")


def noticed(found: Preview, wide: int) -> Iterator[str]:
    """What should be known and stands in no one's way."""
    for advice in found.advice:
        yield from told(advice.code, advice.says, advice.next, wide)


def ahead(found: Preview, wide: int) -> Iterator[str]:
    """Units, days and what they show; the metrics alone where nobody knows."""
    if found.forecast is not None:
        yield from ahead_of(found.forecast, width=wide, advising=False).split("\n")
        return
    yield "too little is known to say how many units and days it takes"
    yield from section(bare(found), wide)


def section(shown: Sheet, wide: int) -> Iterator[str]:
    """A table under its title; the last column goes on below itself where it is too wide."""
    if not shown.rows:
        return
    yield ""
    yield shown.title.upper()
    rows = shown.rows if len(shown.heads) == 2 else (shown.heads, *shown.rows)
    before = sum(max(columns(row[at]) for row in rows) + 2 for at in range(len(rows[0]) - 1))
    spread: list[tuple[str, ...]] = []
    for row in rows:
        lines = folded(row[-1], max(20, wide - before)) or [""]
        spread.append((*row[:-1], lines[0]))
        spread += [(*("" for _ in row[:-1]), line) for line in lines[1:]]
    yield from laid_out(spread)
