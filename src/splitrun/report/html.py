"""The blocks of a readout in HTML, and the fragment that notebooks show.

No script, no request, every label escaped. The page of `page.py` is made of the same blocks; a block that has
headings takes their level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files

from splitrun.check.evidence import Finding
from splitrun.judge.readout import Readout
from splitrun.report.axis import Axis
from splitrun.report.bars import drawing, ruler
from splitrun.report.printable import printable
from splitrun.report.record import Sheet, beside, data_sheets, moments_of, numbers, statements, units_sheet
from splitrun.report.scorecard import Cut, Row, Scorecard, Told, Tone, scorecard

__all__ = [
    "differing",
    "doubts",
    "effects",
    "folded",
    "head",
    "heading",
    "html",
    "later",
    "limits",
    "listed",
    "mark",
    "safe",
    "sheet",
    "sql",
    "style",
    "verdicts",
]

LEGEND = (
    '<span class="key"><svg width="34" height="12" aria-hidden="true"><line x1="2" x2="32" y1="6" y2="6" '
    'stroke="currentColor" stroke-width="6" stroke-opacity="0.45"/><circle cx="17" cy="6" r="5" '
    'fill="currentColor"/></svg> effect and its interval</span> '
    '<span class="key"><svg width="8" height="16" aria-hidden="true"><line x1="4" x2="4" y1="0" y2="16" '
    'stroke="currentColor" stroke-dasharray="3 3"/></svg> minimum of interest, or margin</span>'
)


def html(readout: Readout) -> str:
    """Write a readout as one fragment: what decides, effects, limits, and where it came from."""
    card = scorecard(readout)
    body = [
        *head(card, 2),
        *verdicts(card, 3),
        *doubts(readout.findings, 3),
        *effects(card, 3),
        *differing(card, 3),
        *later(card, 3),
        *limits(readout, 3),
        folded("Units, data and SQL", "".join(origin(readout))),
    ]
    inner = "\n".join(body)
    label = safe(f"readout of {card.title}")
    return f'<section class="splitrun" aria-label="{label}">\n<style>{style()}</style>\n{inner}\n</section>'


def style() -> str:
    """The style sheet of fragment and page."""
    return files("splitrun.report").joinpath("style.css").read_text(encoding="utf-8")


def head(card: Scorecard, level: int) -> Iterator[str]:
    """What was tried, what it is held to, and what was expected of it."""
    yield heading(level, safe(card.title))
    yield held(card)
    yield f'<p class="lead">{safe(card.hypothesis)}</p>'
    yield f'<p class="dim">Expected: {safe(card.expected)}</p>'


def held(card: Scorecard) -> str:
    """What the readout is held to; nothing where no sealed plan is known."""
    items = "".join(
        f"<li>{mark('warn' if one.alarming else 'note', 'seal')} <span>{safe(one.says)}</span></li>"
        for one in card.standing
    )
    return f'<ul class="verdicts standing">{items}</ul>' if items else ""


def verdicts(card: Scorecard, level: int) -> Iterator[str]:
    """The sentences that decide: of primaries and guardrails over all units."""
    yield heading(level, "What decides")
    if card.warning:
        yield f'<p class="alarm">{mark("stop", "stop")} {safe(card.warning)}</p>'
        return
    items = "".join(
        f"<li>{mark(row.tone.value, safe(row.verdict))} <span>{safe(row.says)}</span></li>"
        for row in card.deciding
    )
    yield f'<ul class="verdicts">{items}</ul>'
    if card.decision is not None:
        yield f'<p class="decision"><b>Decision:</b> {safe(card.decision)}</p>'


def doubts(findings: Iterable[Finding], level: int) -> Iterator[str]:
    """The findings, the gravest first."""
    items = "".join(
        f"<li>{mark(finding.severity.value, finding.severity.value)} <div><p>{safe(finding.says)} "
        f'<code>{safe(finding.code)}</code></p><p class="dim">Next: {safe(finding.next)}</p></div></li>'
        for finding in findings
    )
    yield heading(level, "Doubts")
    yield f'<ul class="doubts">{items}</ul>' if items else "<p>None.</p>"


def effects(card: Scorecard, level: int) -> Iterator[str]:
    """The rows of every role, with one axis over all their bars."""
    yield heading(level, "Scorecard")
    drawn = f'<div class="bar">{ruler(card.axis)}</div>'
    yield f'<div class="row ruler"><div>Lift in % of control</div>{drawn}<div>{LEGEND}</div></div>'
    for group in card.groups:
        yield f'<section class="role">{heading(level + 1, safe(group.title.capitalize()))}'
        for told in group.told:
            yield from metric(told, card.axis, level + 2, said=told.whole in card.deciding)
        tables = "".join(sheet(shown) for shown in (numbers(group), beside(group)) if shown.rows)
        yield folded(f"Table: {group.title} metrics", tables)
        yield "</section>"


def metric(told: Told, axis: Axis, level: int, *, said: bool) -> Iterator[str]:
    """One metric and treatment over all units, and its segments folded away below.

    Args:
        told: What there is to tell.
        axis: Of all bars.
        level: Of its heading.
        said: Whether its sentence stands among those that decide already.
    """
    row = told.whole
    yield f'<article class="metric {row.tone.value}">'
    yield row_of(row, axis, heading(level, breakable(row.name)))
    if not said and row.tone is not Tone.VOID:
        yield f'<p class="says">{safe(row.says)}</p>'
    yield noted(row)
    for cut in told.cuts:
        yield levels(cut, axis)
    yield "</article>"


def levels(cut: Cut, axis: Axis) -> str:
    """The levels of a segment, folded away."""
    items = "".join(f"<li>{row_of(row, axis, f'<b>{breakable(row.name)}</b>')}</li>" for row in cut.rows)
    return folded(f"By {safe(cut.outline)}", f'<ul class="levels">{items}</ul>')


def row_of(row: Row, axis: Axis, name: str) -> str:
    """A row: name and verdict, bar, numbers."""
    lift = safe(f"{row.name}: lift {row.lift}")
    drawn = '<span class="dim">no lift</span>'
    if row.bar is not None:
        drawn = drawing(lift, row.tone.value, row.bar, axis)
    void = '<p class="dim">not to be read</p>' if row.tone is Tone.VOID else ""
    aside = [note.brief for note in row.notes if note.brief] if row.below else [row.better]
    better = "".join(f'<p class="dim">{safe(says)}</p>' for says in aside)
    return (
        f'<div class="row"><div class="name">{name}{mark(row.tone.value, safe(row.verdict))}{better}</div>'
        f'<div class="bar">{drawn}</div><div class="read">{void}<dl>'
        f"{pair('Level', f'{row.control} → {row.treatment}')}{pair('Effect', row.effect)}"
        f"{pair('Lift', row.lift)}{pair('Units', row.units)}</dl></div></div>"
    )


def noted(row: Row) -> str:
    """What stands beside an effect over all units, below it; nothing where nothing does."""
    items = "".join(
        f"<div><dt>{note.name.capitalize()}</dt><dd>{safe(note.says)}{warned(note.warning)}</dd></div>"
        for note in row.notes
    )
    return f'<dl class="beside">{items}</dl>' if items else ""


def warned(says: str | None) -> str:
    """A warning on a line of its own."""
    return "" if says is None else f'<p class="warned">{mark("warn", "moved")} {safe(says)}</p>'


def pair(name: str, value: str) -> str:
    """A name and its value."""
    return f"<div><dt>{name}</dt><dd>{safe(value)}</dd></div>"


def mark(kind: str, says: str) -> str:
    """A word on its colour."""
    return f'<span class="tag {kind}">{says}</span>'


def differing(card: Scorecard, level: int) -> Iterator[str]:
    """Whether effects differ between the levels of a segment; nothing where nobody asked."""
    if card.differing:
        yield heading(level, "Differences between levels")
        yield listed(card.differing)


def later(card: Scorecard, level: int) -> Iterator[str]:
    """What was thought of afterwards; nothing where all is as it was sealed."""
    if card.post_hoc:
        yield heading(level, "Post-hoc analyses")
        yield listed(card.post_hoc)


def limits(readout: Readout, level: int) -> Iterator[str]:
    """What this readout cannot show; nothing where there is no limit."""
    if readout.limitations:
        yield heading(level, "Limits of this readout")
        yield listed(readout.limitations)


def origin(readout: Readout) -> Iterator[str]:
    """Where it came from."""
    for shown in (units_sheet(readout), moments_of(readout), *data_sheets(readout)):
        yield sheet(shown)
    yield sql(readout)


def sql(readout: Readout) -> str:
    """Every statement that was run."""
    return "".join(
        f'<figure><figcaption>{escape(name)}</figcaption><pre tabindex="0">{escape(text)}</pre></figure>'
        for name, text in statements(readout)
    )


def sheet(shown: Sheet) -> str:
    """A table under its caption, in a box that scrolls by itself where it is too wide."""
    heads = "".join(f'<th scope="col">{safe(head)}</th>' for head in shown.heads)
    rows = "".join(
        f'<tr><th scope="row">{breakable(row[0])}</th>'
        f"{''.join(f'<td>{safe(cell)}</td>' for cell in row[1:])}</tr>"
        for row in shown.rows
    )
    title, kind = safe(shown.title), " pairs" if len(shown.heads) == 2 else ""
    return (
        f'<div class="sheet{kind}" role="group" aria-label="{title}" tabindex="0"><table>'
        f"<caption>{title}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def folded(title: str, inside: str) -> str:
    """Something folded away under a title that is escaped already."""
    return f"<details><summary>{title}</summary>{inside}</details>"


def listed(sentences: tuple[str, ...]) -> str:
    """Sentences as a list."""
    return f"<ul>{''.join(f'<li>{safe(sentence)}</li>' for sentence in sentences)}</ul>"


def heading(level: int, text: str) -> str:
    """A heading whose text is escaped already."""
    return f"<h{level}>{text}</h{level}>"


def breakable(name: str) -> str:
    """A name that may be broken after a point or a low line, where it is too long for its column."""
    return safe(name).replace(".", ".<wbr/>").replace("_", "_<wbr/>")


def safe(text: str) -> str:
    """Text that is shown and never obeyed; a number is not parted from its unit."""
    bound = printable(text).replace(" %", "\xa0%").replace(" pp", "\xa0pp")
    return escape(bound, quote=True)
