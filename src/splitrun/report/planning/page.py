"""A preview as one HTML file: no script, nothing fetched, the curve drawn with its numbers behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape

from splitrun.report.html import folded, heading, listed, mark, safe, sheet
from splitrun.report.page import document
from splitrun.report.planning.curve import drawn
from splitrun.report.planning.preview import Preview
from splitrun.report.planning.rule import rule_of
from splitrun.report.planning.sheets import (
    baselines,
    calendar,
    framed,
    kept,
    points,
    question,
    size,
    state,
    titled,
    verdict,
    ways,
)
from splitrun.report.record import Sheet, written_out

__all__ = ["MADE_BY", "preview_page"]

MADE_BY = '<meta name="generator" content="splitrun plan">'
"""Stands in every page; a file that has it may be written over by a newer page."""


def preview_page(found: Preview) -> str:
    """Write a preview as a self-contained page."""
    parts = {
        "question": ("Question", [heading(2, "The question"), sheet(question(found.plan))]),
        "size": ("Size and time", [heading(2, "Size and time"), *ahead(found)]),
        "rule": ("Judgement", [heading(2, "How it will be judged"), *judged(found)]),
        "known": ("Baselines", [heading(2, "What it rests on"), *known(found)]),
        "plan": ("The whole plan", [heading(2, "The whole plan"), *whole(found)]),
    }
    links = "".join(f'<a href="#{key}">{name}</a>' for key, (name, _) in parts.items())
    body = "\n".join(
        f'<section id="{key}" class="part">\n{chr(10).join(blocks)}\n</section>'
        for key, (_, blocks) in parts.items()
    )
    top = "\n".join([*head(found), f'<nav aria-label="On this page">{links}</nav>'])
    title = f"Plan: {titled(found)}"
    return document(safe(title), f"<header>\n{top}\n</header>\n<main>\n{body}\n</main>", MADE_BY)


def head(found: Preview) -> Iterator[str]:
    """What is planned, whether it can be sealed, and what stands in the way."""
    yield heading(1, safe(titled(found)))
    change = found.plan.hypothesis
    yield f'<p class="lead">{safe(f"{change.change}, because {change.because}")}</p>'
    if found.ready:
        yield f'<p class="decision">{mark("good", "ready")} {safe(verdict(found))}</p>'
    else:
        yield f'<p class="alarm">{mark("stop", "not yet")} {safe(verdict(found))}</p>'
    rows = [
        *(("stop", one.path, one.says, one.next) for one in found.refusals),
        *(("stop", rule.name, rule.says, rule.next) for rule in found.rules if rule.waiver is None),
        *(("warn", one.code, one.says, one.next) for one in found.advice),
    ]
    items = "".join(
        f'<li>{mark(tone, tone)} <div><p>{safe(says)} <code>{safe(where)}</code></p><p class="dim">Next: '
        f"{safe(remedy)}</p></div></li>"
        for tone, where, says, remedy in rows
    )
    if items:
        yield f'<ul class="doubts">{items}</ul>'


def ahead(found: Preview) -> Iterator[str]:
    """How many units and days, the tables behind them, and the curve."""
    says, tables = size(found)
    yield listed(says)
    yield from sheets(tables)
    if found.forecast is None:
        return
    curve = drawn(found.forecast)
    if curve:
        yield f'<figure class="sheet"><figcaption>Expected power</figcaption>{curve}</figure>'
    yield folded("Table: power by size", sheet(points(found.forecast)))
    if found.forecast.prices:
        yield folded("Table: what looking costs", sheet(ways(found.forecast)))


def judged(found: Preview) -> Iterator[str]:
    """What each outcome will mean, and when effects are read."""
    yield listed(rule_of(found.plan))
    yield from sheets((calendar(found),))


def known(found: Preview) -> Iterator[str]:
    """The baselines, whom the frame stands for, and what is waived."""
    yield from sheets((baselines(found), *framed(found), kept(found)))


def whole(found: Preview) -> Iterator[str]:
    """What the registry holds, the plan by content, and the text that would be sealed."""
    if found.standing is not None:
        yield sheet(state(found.standing))
    yield folded("The plan by content", "".join(sheets(written_out(found.plan))))
    text = json.dumps(json.loads(found.canonical), indent=2, ensure_ascii=False)
    yield folded("The plan as JSON", f'<pre tabindex="0">{escape(text)}</pre>')
    yield f"<p>Digest <code>{safe(found.digest)}</code></p>"


def sheets(shown: tuple[Sheet, ...]) -> Iterator[str]:
    """The tables that hold anything."""
    yield from (sheet(one) for one in shown if one.rows)
