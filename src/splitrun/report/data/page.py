"""The data map and the record of processing as a page and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.report.data.record import activities, measures
from splitrun.report.html import heading, listed, safe
from splitrun.report.html import sheet as block
from splitrun.report.markdown import table
from splitrun.report.page import document
from splitrun.report.printable import printable
from splitrun.report.record import Sheet, sheet
from splitrun.spec.privacy.fields import DataMap, Stored

__all__ = ["MADE_BY", "map_markdown", "map_page", "record_markdown"]

MADE_BY = '<meta name="generator" content="splitrun data-map">'
HEADS = ("Field", "Holds", "Purpose", "Classification", "Kept", "Read by")
NONE = "no policy"


def map_page(found: DataMap) -> str:
    """Write the map, with the record of processing, as a self-contained page without script."""
    parts = [
        "<header>",
        heading(1, f"What {safe(found.project)} keeps"),
        f"<p>{safe(standing(found))}</p>",
        "</header>",
        "<main>",
        *(f'<section class="part">{block(one)}</section>' for one in stores(found)),
        heading(2, "Record of processing"),
        *map(block, record(found)),
        heading(3, "Measures"),
        listed(measures(found)),
        "</main>",
    ]
    return document(f"What {safe(found.project)} keeps", "\n".join(parts), MADE_BY)


def map_markdown(found: DataMap) -> str:
    """Write the map as Markdown."""
    tables = "\n\n".join(table(one, level=2) for one in stores(found))
    return f"# What {printable(found.project)} keeps\n\n{printable(standing(found))}\n\n{tables}\n"


def record_markdown(found: DataMap) -> str:
    """Write the record of processing as Markdown."""
    tables = "\n\n".join(table(one, level=2) for one in record(found))
    said = "\n".join(f"- {one}" for one in measures(found))
    return f"# Record of processing: {printable(found.project)}\n\n{tables}\n\n## Measures\n\n{said}\n"


def standing(found: DataMap) -> str:
    """Say in a sentence whether every field has a policy."""
    count = len(found.gaps)
    whole = f"{len(found.fields)} fields are kept in {', '.join(found.environments)}"
    if not count:
        return f"{whole}; each says what it is for."
    waived = f" It is waived: {found.waived}." if found.waived else ""
    are = "field has" if count == 1 else "fields have"
    return f"{whole}; {count} {are} no policy.{waived}"


def stores(found: DataMap) -> Iterator[Sheet]:
    """A table for each store."""
    for store in dict.fromkeys(one.store for one in found.fields):
        yield sheet(store, HEADS, (row(one) for one in found.fields if one.store == store))


def row(one: Stored) -> tuple[str, ...]:
    """A field in words."""
    if one.policy is None:
        return (one.field, one.holds, NONE, NONE, one.retention, NONE)
    said = one.policy
    return (
        one.field,
        one.holds,
        said.purpose,
        said.classification.value,
        one.retention,
        ", ".join(said.consumers),
    )


def record(found: DataMap) -> Iterator[Sheet]:
    """Who answers for it, and what is done with personal data."""
    yield sheet("Controller", ("What", "Who"), controller(found))
    heads = ("Store", "Purposes", "Categories of data", "Recipients here", "Time limit")
    rows = (
        (one.store, "; ".join(one.purposes), ", ".join(one.categories), ", ".join(one.recipients), one.limit)
        for one in activities(found)
    )
    yield sheet("Processing of personal data", heads, rows)


def controller(found: DataMap) -> Iterator[tuple[str, str]]:
    """Who answers for it."""
    who = found.controller
    if who is None:
        yield (
            "controller",
            "not named; write privacy: {controller: {name: ..., contact: ...}} in splitrun.yaml",
        )
        return
    yield ("controller", who.name)
    yield ("contact", who.contact)
    yield ("data protection officer", who.officer or "none named")
    yield ("people", ", ".join(who.subjects))
    yield ("recipients elsewhere", ", ".join(who.recipients) or "none named")
    yield ("transfers to other countries", ", ".join(who.transfers) or "none named")
