"""A readout as one HTML file: no script, nothing fetched, readable from a folder, in print and aloud."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

from splitrun.judge.readout import Readout
from splitrun.report.html import (
    differing,
    doubts,
    effects,
    folded,
    head,
    heading,
    later,
    limits,
    safe,
    sheet,
    sql,
    style,
    verdicts,
)
from splitrun.report.record import (
    data_sheets,
    differences,
    moments_of,
    plan_sheets,
    units_sheet,
    version_sheet,
)
from splitrun.report.scorecard import scorecard

__all__ = ["MADE_BY", "document", "page"]

MADE_BY = '<meta name="generator" content="splitrun readout">'
"""Stands in every page; a file that has it may be written over by a newer page."""


def page(readout: Readout) -> str:
    """Write a readout as a self-contained page: what decides, effects, limits, plan, data, versions."""
    card = scorecard(readout)
    parts = {
        "verdicts": ("What decides", [*verdicts(card, 2), *doubts(readout.findings, 3)]),
        "scorecard": ("Scorecard", effects(card, 2)),
        "levels": ("Differences", levels(readout, differing(card, 2))),
        "post-hoc": ("Post-hoc", later(card, 2)),
        "limits": ("Limits", limits(readout, 2)),
        "plan": ("Plan", [heading(2, "The plan"), *map(sheet, plan_sheets(readout))]),
        "data": ("Data and SQL", data(readout)),
        "versions": ("Versions", versions(readout)),
    }
    shown = {key: (name, "\n".join(blocks)) for key, (name, blocks) in parts.items()}
    links = "".join(f'<a href="#{key}">{name}</a>' for key, (name, inside) in shown.items() if inside)
    body = "\n".join(
        f'<section id="{key}" class="part">\n{inside}\n</section>'
        for key, (_, inside) in shown.items()
        if inside
    )
    top = "\n".join([*head(card, 1), f'<nav aria-label="On this page">{links}</nav>'])
    return document(safe(card.title), f"<header>\n{top}\n</header>\n<main>\n{body}\n</main>")


def document(title: str, body: str, made_by: str = MADE_BY) -> str:
    """A whole file whose policy lets nothing in but its own style."""
    css = style()
    digest = b64encode(sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en" class="splitrun-page">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n{made_by}\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{css}</style>\n</head>\n"
        f'<body class="splitrun">\n{body}\n</body>\n</html>\n'
    )


def levels(readout: Readout, sentences: Iterable[str]) -> list[str]:
    """Whether effects differ between levels, with the tests; nothing where that may not be read."""
    told = list(sentences)
    return [*told, folded("Table: tests of no difference", sheet(differences(readout)))] if told else []


def data(readout: Readout) -> list[str]:
    """The units, and what was read folded away with the SQL."""
    count = len(readout.lineage.sql)
    run = f"SQL: {count} statement{'' if count == 1 else 's'}"
    return [
        heading(2, "Units, data and SQL"),
        sheet(units_sheet(readout)),
        folded(f"Data: {len(readout.lineage.data)} read", "".join(map(sheet, data_sheets(readout)))),
        folded(run, sql(readout)),
    ]


def versions(readout: Readout) -> list[str]:
    """What made this readout, and the digest that it is held to."""
    return [
        heading(2, "Versions and digest"),
        sheet(moments_of(readout)),
        folded("Versions of the programs", sheet(version_sheet(readout))),
    ]
