"""A readout as plain text for terminals and logs, readable from 80 columns up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from splitrun.check.evidence import Finding, Severity
from splitrun.judge.readout import Readout
from splitrun.report.axis import Axis, Bar
from splitrun.report.printable import columns, folded, printable
from splitrun.report.scorecard import Row, Scorecard, Tone, scorecard

__all__ = ["text"]

NAME, VERDICT = 25, 15
"""Columns of a row's name and verdict; the rest of the line is its bar."""


@dataclass(frozen=True, slots=True)
class Pens:
    """The characters that bars and marks are drawn with."""

    span: str
    faint: str
    effect: str
    zero: str
    line: str
    more_below: str
    more_above: str
    rule: str
    marks: dict[Severity, str]


UNICODE = Pens(
    span="━",
    faint="╌",
    effect="●",
    zero="│",
    line="┊",
    more_below="◀",
    more_above="▶",
    rule="─",
    marks={Severity.STOP: "✖", Severity.WARN: "▲", Severity.NOTE: "·"},
)
ASCII = Pens(
    span="=",
    faint=".",
    effect="o",
    zero="|",
    line=":",
    more_below="<",
    more_above=">",
    rule="-",
    marks={Severity.STOP: "X", Severity.WARN: "!", Severity.NOTE: "-"},
)


def text(readout: Readout, *, width: int = 100, ascii_only: bool = False) -> str:
    """Write a readout as plain text.

    Args:
        readout: What to show.
        width: Columns to fill; less than 80 is taken as 80.
        ascii_only: Whether bars are drawn with ASCII alone and all other characters written as `?`.
    """
    pens, width = (ASCII if ascii_only else UNICODE), max(80, width)
    card = scorecard(readout)
    lines = [*head(card, width, pens), *doubts(readout, width, pens), *effects(card, width, pens)]
    lines += section("Decision", () if card.decision is None else (card.decision,), width, pens)
    lines += section("Post-hoc analyses", card.post_hoc, width, pens)
    lines += section("Limits of this readout", readout.limitations, width, pens)
    lines += foot(readout, width)
    whole = "\n".join(line.rstrip() for line in lines)
    return as_ascii(whole) if ascii_only else whole


def as_ascii(whole: str) -> str:
    """Question marks in place of what is not ASCII, as many as it takes columns."""
    return "".join(char if char.isascii() else "?" * columns(char) for char in whole)


def head(card: Scorecard, width: int, pens: Pens) -> Iterator[str]:
    """What was tried, what it is held to, and on how many."""
    yield from wrapped(card.title, width, "")
    for one in card.standing:
        mark = pens.marks[Severity.WARN] if one.alarming else pens.marks[Severity.NOTE]
        yield from wrapped(f"{mark} {one.says}", width, "  ", hang="    ")
    yield from wrapped(card.hypothesis, width, "  ")
    yield from wrapped(f"expected: {card.expected}", width, "  ")
    for count in card.units:
        yield from wrapped(count, width, "  ")


def doubts(readout: Readout, width: int, pens: Pens) -> Iterator[str]:
    """The findings, the gravest first, each with what to do."""
    yield from titled("Doubts", width, pens)
    if not readout.findings:
        yield "  none"
    for finding in readout.findings:
        yield from doubt(finding, width, pens)


def doubt(finding: Finding, width: int, pens: Pens) -> Iterator[str]:
    """One finding; what to do about a note is left to the JSON form and the docs."""
    first = f"{pens.marks[finding.severity]} {finding.severity.value:<5}"
    body = wrapped(f"{finding.code}: {printable(finding.says)}", width, " " * 10)
    yield f"  {first} {body[0].strip()}" if body else f"  {first}"
    yield from body[1:]
    if finding.severity is not Severity.NOTE:
        yield from wrapped(f"next: {printable(finding.next)}", width, " " * 10)


def effects(card: Scorecard, width: int, pens: Pens) -> Iterator[str]:
    """The rows of every role, with one axis over all their bars."""
    room = width - NAME - VERDICT - 2
    if card.warning:
        yield ""
        yield from wrapped(card.warning.upper(), width, "")
    for index, group in enumerate(card.groups):
        yield from titled(group.title.capitalize(), width, pens)
        if index == 0:
            yield from scale_of(card.axis, room, pens)
        for number, row in enumerate(group.rows):
            if number and not row.below:
                yield ""
            drawn = "no lift" if row.bar is None else drawing(row.bar, card.axis.place(0.0), room, pens)
            yield from row_of(row, drawn, width, pens)
    yield from section("Differences between levels", card.differing, width, pens)


def row_of(row: Row, drawn: str, width: int, pens: Pens) -> Iterator[str]:
    """A row: name, verdict and bar, then its numbers, and over all units the sentence that defends it."""
    name = ("    " if row.below else "  ") + row.name
    if columns(name) >= NAME:
        yield from wrapped(row.name, width, "    " if row.below else "  ")
        name = ""
    verdict = row.verdict if row.below else row.verdict.upper()
    yield padded(name, NAME) + " " + padded(verdict, VERDICT) + " " + drawn
    indent = "      " if row.below else "    "
    if row.tone is Tone.VOID:
        yield from wrapped(f"not to be read: {row.effect}; {row.units}", width, indent)
    elif row.below:
        lift = [f"lift: {row.lift}"] if row.bar is None and row.lift != row.effect else []
        brief = [note.brief for note in row.notes if note.brief]
        yield from wrapped("; ".join([row.effect, *lift, row.units, *brief]), width, indent)
    else:
        yield from wrapped(row.says, width, indent)
        yield from wrapped(f"lift: {row.lift}; {row.units}", width, indent)
        yield from beside(row, width, pens)


def beside(row: Row, width: int, pens: Pens) -> Iterator[str]:
    """What stands beside an effect, a line for each."""
    for note in row.notes:
        yield from wrapped(f"{note.name}: {note.says}", width, "    ", hang="      ")
        if note.warning:
            warning = f"{pens.marks[Severity.WARN]} {note.name}: {note.warning}"
            yield from wrapped(warning, width, "    ", hang="      ")


def drawing(bar: Bar, zero: float, room: int, pens: Pens) -> str:
    """An interval on the axis, in `room` characters; towards an unbounded end it is drawn faintly."""
    line = [" "] * room
    spot = room - 1
    line[round(zero * spot)] = pens.zero
    for place in bar.lines:
        line[round(place * spot)] = pens.line
    start, end = round(bar.low * spot), round(bar.high * spot)
    middle = min(end, max(start, round(bar.near * spot)))
    for column in range(start, end + 1):
        faint = bar.unbounded_below if column < middle else column > middle and bar.unbounded_above
        if not faint:
            line[column] = pens.span
        elif line[column] == " ":
            line[column] = pens.faint
    if bar.more_below:
        line[0] = pens.more_below
    if bar.more_above:
        line[spot] = pens.more_above
    if bar.effect is not None:
        line[round(bar.effect * spot)] = pens.effect
    return "".join(line)


def scale_of(axis: Axis, room: int, pens: Pens) -> Iterator[str]:
    """The axis: both ends in round numbers, and below them where zero lies."""
    low, high = axis.ends
    zero = round(axis.place(0.0) * (room - 1))
    yield padded("  lift in % of control", NAME + VERDICT + 2) + low.ljust(room - len(high)) + high
    legend = f"  {pens.effect} effect {pens.span} interval {pens.line} MEI or margin"
    yield padded(legend, NAME + VERDICT + 2) + pens.rule * zero + "0" + pens.rule * (room - 1 - zero)


def section(title: str, sentences: tuple[str, ...], width: int, pens: Pens) -> Iterator[str]:
    """A title and its sentences; nothing where there are none."""
    if sentences:
        yield from titled(title, width, pens)
    for sentence in sentences:
        yield from wrapped(printable(sentence), width, "  ", hang="    ")


def foot(readout: Readout, width: int) -> Iterator[str]:
    """Where it came from."""
    yield ""
    data = ", ".join(f"{facts.name} ({facts.rows:,} rows)" for facts in readout.lineage.data)
    made = readout.made_at.isoformat(timespec="seconds")
    until = f" as of {readout.as_of.isoformat(timespec='seconds')}" if readout.as_of else ""
    origin = f"read {made} from {printable(data) or 'no source'}{until}"
    yield from wrapped(f"{origin}; plan {readout.lineage.plan_digest[:19]}", width, "")


def titled(title: str, width: int, pens: Pens) -> Iterator[str]:
    """An empty line, then a title on a rule."""
    yield ""
    yield f"{title} " + pens.rule * (width - len(title) - 1)


def wrapped(sentence: str, width: int, indent: str, hang: str | None = None) -> list[str]:
    """A sentence over as many lines as it needs; a number is not parted from its unit."""
    bound = sentence.replace(" %", "\xa0%").replace(" pp", "\xa0pp")
    hanging = indent if hang is None else hang
    lines = folded(bound, width, indent, hanging)
    return [line.replace("\xa0", " ") for line in lines]


def padded(words: str, room: int) -> str:
    """Words filled up with spaces to so many columns."""
    return words + " " * max(0, room - columns(words))
