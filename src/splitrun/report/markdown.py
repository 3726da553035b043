r"""A readout as Markdown in GitHub's flavour, readable as plain text too.

Labels come from data: every character that Markdown or HTML would obey is escaped, and what GitHub turns into
links or mentions by itself is broken up by a character of no width.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from splitrun.judge.readout import Readout
from splitrun.report.printable import columns, printable
from splitrun.report.record import (
    Sheet,
    beside,
    data_sheets,
    differences,
    moments_of,
    numbers,
    plan_sheets,
    statements,
    units_sheet,
    version_sheet,
)
from splitrun.report.scorecard import Scorecard, scorecard

__all__ = ["MADE_BY", "inline", "markdown", "table"]

MADE_BY = "<!-- splitrun readout -->"
"""First line of every file; a file that has it may be written over by a newer one."""

OBEYED = re.compile(
    r"""([\\`*\[\]<>|~$]        # marks
    |(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])
    |&(?=[#\w])              # entities
    |^\#|^[-+=](?=[-+=\s]|$)  # starts of blocks
    |(?<=\bwww)\.|:(?=//)     # addresses that become links
    )""",
    re.IGNORECASE | re.VERBOSE,
)
"""What Markdown gives a meaning."""
NUMBERED = re.compile(r"^([0-9]{1,9})([.)])(?=\s|$)")
WIDTHLESS = "\u2060"
MENTION = re.compile(r"(?<=[@#])(?=\w)")
"""Where GitHub would see a person, an issue or an address of mail."""
WIDEST = 48
"""Columns that a cell is filled up to; what is longer stands out, for the others to stay readable."""


def markdown(readout: Readout) -> str:
    """Write a readout as Markdown: what decides, effects, limits, plan, data, versions."""
    card = scorecard(readout)
    parts = [
        MADE_BY,
        *head(card),
        *decides(readout, card),
        *effects(card),
        *differing(readout, card),
        *listed("Post-hoc analyses", card.post_hoc),
        *listed("Limits of this readout", readout.limitations),
        "## The plan",
        *(table(shown) for shown in plan_sheets(readout)),
        "## Units, data and SQL",
        *(table(shown) for shown in (units_sheet(readout), *data_sheets(readout))),
        *(f"**{inline(name)}**\n\n{fenced(text)}" for name, text in statements(readout)),
        "## Versions and digest",
        *(table(shown) for shown in (moments_of(readout), version_sheet(readout))),
    ]
    return "\n\n".join(parts) + "\n"


def head(card: Scorecard) -> Iterator[str]:
    """What was tried, what it is held to, and what was expected of it."""
    yield f"# {inline(card.title)}"
    if card.standing:
        yield "\n".join(
            f"- **{inline(one.says)}**" if one.alarming else f"- {inline(one.says)}" for one in card.standing
        )
    yield inline(card.hypothesis)
    yield f"Expected: {inline(card.expected)}"


def decides(readout: Readout, card: Scorecard) -> Iterator[str]:
    """The sentences that decide, and the doubts."""
    yield "## What decides"
    if card.warning:
        yield f"**{inline(card.warning)}**"
    else:
        yield grid(
            ("Verdict", "Why"), [(f"**{inline(row.verdict)}**", inline(row.says)) for row in card.deciding]
        )
    if card.decision is not None:
        yield f"**Decision:** {inline(card.decision)}"
    yield "### Doubts"
    if not readout.findings:
        yield "None."
        return
    yield grid(
        ("Weight", "Doubt", "What was seen", "Next"),
        [
            (f"**{found.severity.value}**", *map(inline, (found.code, found.says, found.next)))
            for found in readout.findings
        ],
    )


def effects(card: Scorecard) -> Iterator[str]:
    """The numbers of every role; the levels of segments stand below all units."""
    yield "## Scorecard"
    for group in card.groups:
        shown = numbers(group)
        yield f"### {inline(group.title.capitalize())}"
        yield grid(shown.heads, [tuple(map(inline, row)) for row in shown.rows])
        said = [row for row in group.rows if not row.below and row not in card.deciding and not card.warning]
        if said:
            yield "\n".join(f"- {inline(row.says)}" for row in said)
        if beside(group).rows:
            yield table(beside(group), level=4)


def differing(readout: Readout, card: Scorecard) -> Iterator[str]:
    """Whether effects differ between levels; nothing where that may not be read."""
    if card.differing:
        yield from listed("Differences between levels", card.differing)
        yield table(differences(readout))


def listed(title: str, sentences: tuple[str, ...]) -> Iterator[str]:
    """A title and its sentences; nothing where there are none."""
    if sentences:
        yield f"## {title}"
        yield "\n".join(f"- {inline(sentence)}" for sentence in sentences)


def table(shown: Sheet, *, level: int = 3) -> str:
    """A sheet under its title."""
    rows = grid(shown.heads, [tuple(map(inline, row)) for row in shown.rows])
    return f"{'#' * level} {inline(shown.title)}\n\n{rows}"


def grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns are filled up with spaces, to be read as plain text too; cells are escaped."""
    widths = [
        min(WIDEST, max(3, *(columns(line[column]) for line in (heads, *rows))))
        for column in range(len(heads))
    ]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| "
        + " | ".join(cell + " " * (width - columns(cell)) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )


def fenced(text: str) -> str:
    """Text as it is, between fences longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sql\n{text}\n{fence}"


def inline(text: str) -> str:
    """Text that is shown and never obeyed, on one line."""
    broken = MENTION.sub(WIDTHLESS, printable(text).strip())
    return NUMBERED.sub(r"\1\\\2", OBEYED.sub(r"\\\1", broken))
