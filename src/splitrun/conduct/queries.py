"""Queries that no engine would be handed, found before any engine runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from splitrun.errors import EngineError, Mistake
from splitrun.measure.engines.guard import checked
from splitrun.plan.library import Library
from splitrun.spec.reading import Draft
from splitrun.spec.written.document import Site

__all__ = ["refused"]

DIALECT = "duckdb"
"""Of the only engine that is built."""


def refused(drafts: Iterable[Draft], library: Library) -> Iterator[Mistake]:
    """Queries of experiments and shared sources that are refused whatever tables there are.

    Args:
        drafts: Experiments as written.
        library: What the project's files define.
    """
    for site in (*(site for draft in drafts for site in sites(draft)), *shared(library)):
        match site.document.at(site.path):
            case str(query):
                try:
                    checked(query, dialect=DIALECT, tables=None)
                except EngineError as error:
                    says, _, remedy = str(error).rpartition("; ")
                    yield site.mistake(says, remedy)
            case _:
                pass


def sites(draft: Draft) -> Iterator[Site]:
    """Where an experiment may write a query."""
    top = Site(draft.document, ())
    yield top / "exposures" / "query"
    yield top / "moments" / "query"
    match draft.document.at(("sources",)):
        case dict(sources):
            for key in sources:
                yield top / "sources" / key / "query"
        case _:
            return


def shared(library: Library) -> Iterator[Site]:
    """Where shared sources may write theirs."""
    for source in library.sources.values():
        yield source.site / "query"
