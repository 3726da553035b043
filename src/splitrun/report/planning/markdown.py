"""A preview as Markdown in GitHub's flavour: the page that people review."""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.report.markdown import inline, table
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

__all__ = ["MADE_BY", "preview_markdown"]

MADE_BY = "<!-- splitrun plan -->"
"""First line of every file; a file that has it may be written over by a newer one."""


def preview_markdown(found: Preview) -> str:
    """Write a preview as Markdown."""
    says, sheets = size(found)
    parts = [
        MADE_BY,
        f"# Plan: {inline(titled(found))}",
        f"**{inline(verdict(found))}**",
        *bullets(obstacles(found)),
        *tables((question(found.plan),)),
        "## Size and time",
        *bullets(says),
        *tables(sheets),
        *([] if found.forecast is None else tables((points(found.forecast), ways(found.forecast)))),
        "## How it will be judged",
        *bullets(rule_of(found.plan)),
        *tables((calendar(found), baselines(found), *framed(found), kept(found))),
        *([] if found.standing is None else tables((state(found.standing),))),
        "## The whole plan",
        *tables(written_out(found.plan)),
        f"Digest: `{found.digest}`",
    ]
    return "\n\n".join(parts) + "\n"


def obstacles(found: Preview) -> tuple[str, ...]:
    """What stands in the way and what should be known, each in a sentence."""
    return (
        *(f"{one.path}: {one.says}; next: {one.next}" for one in found.refusals),
        *(
            f"{rule.path} ({rule.name}): {rule.says}; next: {rule.next}"
            for rule in found.rules
            if rule.waiver is None
        ),
        *(f"{one.code}: {one.says}; next: {one.next}" for one in found.advice),
    )


def bullets(sentences: tuple[str, ...]) -> Iterator[str]:
    """Sentences as a list; nothing where there are none."""
    if sentences:
        yield "\n".join(f"- {inline(sentence)}" for sentence in sentences)


def tables(shown: tuple[Sheet, ...]) -> Iterator[str]:
    """The sheets that hold anything."""
    yield from (table(one) for one in shown if one.rows)
