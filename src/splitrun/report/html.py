"""A readout as one self-contained HTML fragment for notebooks: no script, no request, every label escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from splitrun.check.evidence import Finding
from splitrun.judge.readout import Readout
from splitrun.report.axis import Axis, Bar
from splitrun.report.printable import printable
from splitrun.report.scorecard import Group, Row, Scorecard, Tone, scorecard

__all__ = ["html"]

WIDTH, HEIGHT, EDGE = 300, 24, 8
"""Of a bar, in pixels; the edge leaves room for arrows."""

STYLE = """
.splitrun{font:14px/1.45 system-ui,sans-serif;max-width:72rem;color:inherit}
.splitrun h2{font-size:1.25em;margin:.2em 0}.splitrun h3{font-size:1em;margin:1.2em 0 .3em}
.splitrun p{margin:.15em 0}.splitrun .dim{opacity:.72}
.splitrun table{border-collapse:collapse;width:100%;background:none;font-size:inherit}
.splitrun th,.splitrun td{text-align:left;vertical-align:top;padding:.35em .7em .35em 0}
.splitrun th,.splitrun td{background:none;border:0}
.splitrun tr.row{border-top:1px solid rgba(128,128,128,.3)}
.splitrun tr.below td,.splitrun tr.below th{font-size:.92em;padding-top:.1em}
.splitrun tr.below th{padding-left:1.4em;font-weight:400}.splitrun td{font-variant-numeric:tabular-nums}
.splitrun th.role{text-transform:capitalize;padding-top:1em;font-size:1.05em}
.splitrun .tag{font-weight:600;white-space:nowrap}
.splitrun .good{color:#16855b}.splitrun .bad,.splitrun .stop{color:#d03b4f}.splitrun .settled{color:#3b7dd8}
.splitrun .open{color:inherit}.splitrun .warn{color:#b7791f}.splitrun .void{opacity:.5}
.splitrun ul{margin:.2em 0;padding-left:1.2em}.splitrun svg{display:block;overflow:visible}
.splitrun pre{overflow:auto;font-size:.85em}
""".strip()


def html(readout: Readout) -> str:
    """Write a readout as one fragment: doubts, effects, limits, and where it came from."""
    card = scorecard(readout)
    body = [
        *head(card, readout),
        *doubts(readout.findings),
        *effects(card),
        *listed("Differences between levels", card.differing),
        *listed("Limits of this readout", readout.limitations),
        *origin(readout),
    ]
    label = safe(f"readout of {card.title}")
    inner = "\n".join(body)
    return (
        f'<section class="splitrun" role="region" aria-label="{label}">\n'
        f"<style>{STYLE}</style>\n{inner}\n</section>"
    )


def head(card: Scorecard, readout: Readout) -> Iterator[str]:
    """What was tried, and the units of every variant."""
    yield f"<h2>{safe(card.title)}</h2>"
    yield f"<p>{safe(card.hypothesis)}</p>"
    yield f'<p class="dim">expected: {safe(card.expected)}</p>'
    rows = "".join(
        f'<tr class="row"><th scope="row">{safe(count.variant)}</th><td>{count.exposed:,}</td>'
        f"<td>{count.analysed:,}</td><td>{'unknown' if count.weight is None else count.weight}</td></tr>"
        for count in readout.units
    )
    yield (
        "<h3>Units</h3><table><caption hidden>units of every variant</caption><thead><tr>"
        f"{heads('Variant', 'Exposed', 'Analysed', 'Weight')}</tr></thead><tbody>{rows}</tbody></table>"
    )


def doubts(findings: Iterable[Finding]) -> Iterator[str]:
    """The findings, the gravest first."""
    items = "".join(
        f'<li><span class="tag {finding.severity.value}">{finding.severity.value}</span> '
        f"<code>{safe(finding.code)}</code> {safe(finding.says)}"
        f'<br><span class="dim">next: {safe(finding.next)}</span></li>'
        for finding in findings
    )
    yield f"<h3>Doubts</h3><ul>{items}</ul>" if items else "<h3>Doubts</h3><p>none</p>"


def effects(card: Scorecard) -> Iterator[str]:
    """One table for all effects, with one axis over all its bars."""
    yield "<h3>Effects</h3><table><caption hidden>effects against control, by role</caption><thead><tr>"
    yield heads("Metric", "Verdict", "Control → treatment", "Effect and lift")
    yield f'<th scope="col">Lift in % of control{ruler(card.axis)}</th></tr></thead>'
    for group in card.groups:
        yield from group_of(group, card.axis)
    yield "</table>"


def group_of(group: Group, axis: Axis) -> Iterator[str]:
    """The rows of one role."""
    yield f'<tbody><tr><th class="role" colspan="5" scope="rowgroup">{safe(group.title)}</th></tr>'
    for row in group.rows:
        yield from row_of(row, axis)
    yield "</tbody>"


def row_of(row: Row, axis: Axis) -> Iterator[str]:
    """One comparison, and over all units the sentence that defends it."""
    void = " void" if row.tone is Tone.VOID else ""
    kind = "below" if row.below else "row"
    drawn = '<span class="dim">no lift</span>' if row.bar is None else drawing(row, row.bar, axis)
    yield (
        f'<tr class="{kind}{void}"><th scope="row">{safe(row.name)}</th>'
        f'<td class="tag {row.tone.value}">{safe(row.verdict)}</td>'
        f'<td>{safe(row.control)} → {safe(row.treatment)}<br><span class="dim">{safe(row.units)}</span></td>'
        f'<td>{safe(row.effect)}<br><span class="dim">lift: {safe(row.lift)}</span></td>'
        f"<td>{drawn}</td></tr>"
    )
    if not row.below:
        yield f'<tr class="below{void}"><td colspan="5" class="dim">{safe(row.says)}</td></tr>'


def drawing(row: Row, bar: Bar, axis: Axis) -> str:
    """An interval on the axis as SVG; its title says the same in words."""
    middle = HEIGHT / 2
    title = safe(f"{row.name}: lift {row.lift}")
    parts = [rule(axis.place(0.0), 0.55), *(rule(line, 0.8, dashed=True) for line in bar.lines)]
    colour = f'class="{row.tone.value}"'
    parts.append(beam(colour, bar.low, bar.near, faint=bar.unbounded_below))
    parts.append(beam(colour, bar.near, bar.high, faint=bar.unbounded_above))
    if bar.effect is not None:
        parts.append(f'<circle {colour} cx="{at(bar.effect)}" cy="{middle:g}" r="5" fill="currentColor"/>')
    if bar.more_below:
        parts.append(arrow(colour, 0.0, -1))
    if bar.more_above:
        parts.append(arrow(colour, 1.0, 1))
    return figure(title, "".join(parts), HEIGHT)


def beam(colour: str, start: float, end: float, *, faint: bool) -> str:
    """A part of an interval; faint towards an end that is not bounded."""
    opacity = 0.18 if faint else 0.55
    return (
        f'<line {colour} x1="{at(start)}" x2="{at(end)}" y1="{HEIGHT / 2:g}" y2="{HEIGHT / 2:g}" '
        f'stroke="currentColor" stroke-width="5" stroke-opacity="{opacity:g}"/>'
    )


def ruler(axis: Axis) -> str:
    """The axis: its ends and zero."""
    low, high = axis.ends
    zero = axis.place(0.0)
    marks = [(0.0, "start", low), (1.0, "end", high)]
    if 0.2 < zero < 0.8:
        marks.append((zero, "middle", "0"))
    words = "".join(
        f'<text x="{at(place)}" y="12" text-anchor="{anchor}" font-size="11" '
        f'fill="currentColor">{word}</text>'
        for place, anchor, word in marks
    )
    return figure(f"axis from {low} to {high}", words, 16)


def figure(title: str, inside: str, height: int) -> str:
    """An SVG with its title, for those who do not see it."""
    return (
        f'<svg role="img" aria-label="{title}" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}"><title>{title}</title>{inside}</svg>'
    )


def rule(place: float, opacity: float, *, dashed: bool = False) -> str:
    """An upright line at a place of the axis."""
    dashes = ' stroke-dasharray="3 3"' if dashed else ""
    return (
        f'<line x1="{at(place)}" x2="{at(place)}" y1="0" y2="{HEIGHT}" stroke="currentColor" '
        f'stroke-opacity="{opacity:g}"{dashes}/>'
    )


def arrow(colour: str, place: float, way: int) -> str:
    """A head that says that the interval goes on beyond the axis."""
    x, middle = float(at(place)), HEIGHT / 2
    points = f"{x + way * EDGE:g},{middle:g} {x:g},{middle - 6:g} {x:g},{middle + 6:g}"
    return f'<polygon {colour} points="{points}" fill="currentColor"/>'


def at(place: float) -> str:
    """A place of the axis in pixels."""
    return f"{EDGE + place * (WIDTH - 2 * EDGE):.1f}"


def listed(title: str, sentences: tuple[str, ...]) -> Iterator[str]:
    """A title and its sentences; nothing where there are none."""
    if sentences:
        items = "".join(f"<li>{safe(sentence)}</li>" for sentence in sentences)
        yield f'<h3>{title}</h3><ul class="dim">{items}</ul>'


def origin(readout: Readout) -> Iterator[str]:
    """Where it came from, folded away."""
    made = readout.made_at.isoformat(timespec="seconds")
    data = "".join(
        f"<li>{safe(facts.name)}: {safe(facts.where)}, {facts.rows:,} rows, "
        f"{safe(facts.digest or 'no digest')}</li>"
        for facts in readout.lineage.data
    )
    sql = "".join(f"<pre>{safe(statement.sql)}</pre>" for statement in readout.lineage.sql)
    yield (
        f"<details><summary>read {made}, plan <code>{safe(readout.lineage.plan_digest[:19])}</code></summary>"
        f"<ul>{data}</ul>{sql}</details>"
    )


def heads(*titles: str) -> str:
    """Heads of columns."""
    return "".join(f'<th scope="col">{title}</th>' for title in titles)


def safe(text: str) -> str:
    """Text that is shown and never obeyed."""
    return escape(printable(text), quote=True)
