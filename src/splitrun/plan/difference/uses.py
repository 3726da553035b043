"""What an experiment rests on: metrics and their sources, segments, its flag, layer, holdouts, audiences."""

from __future__ import annotations

from collections.abc import Iterator

from splitrun.errors import ExpressionError
from splitrun.plan.difference.side import EXPERIMENT, TEMPLATE, Name, Side
from splitrun.plan.library import Library, sources_of
from splitrun.plan.matter import chosen
from splitrun.plan.switches.board import Board
from splitrun.plan.templates.filling import stocked
from splitrun.spec.experiment import Experiment
from splitrun.spec.flag import Flag, ServeRule
from splitrun.spec.written.document import Document, Site
from splitrun.terms.parse import parse
from splitrun.terms.tree import columns

__all__ = ["used"]


def used(side: Side, key: str) -> frozenset[Name]:
    """Name every definition that an experiment rests on, itself among them; nothing where it is not read."""
    found = side.experiment(key)
    if found is None:
        return frozenset()
    packs, own = side.packs(key), side.says.library.templates
    named: set[Name] = {(TEMPLATE, pack.header.pack) for pack in packs if pack.header.pack in own}
    named |= {(EXPERIMENT, key), *((EXPERIMENT, base) for base in side.extended(key))}
    return frozenset(
        {*named, *measured(stocked(side.says.library, packs, ()), found), *delivered(side, found)}
    )


def measured(library: Library, found: Experiment) -> Iterator[Name]:
    """Name what it is measured by."""
    metrics, _ = chosen(found, Site(Document(found.key, None), ()), library)
    for metric in metrics:
        yield "metric", metric.key
        yield from (("source", name) for name, _ in sources_of(metric.metric))
    roles = found.metrics.model_dump(by_alias=True)
    for written in (one for role in roles.values() for one in role):
        name = written["metric"] if type(written) is dict and "metric" in written else written
        if type(name) is str and name in library.groups:
            yield "group", name
    adjusted = found.analysis.adjust
    for name in (*found.segments, *(adjusted.strata if adjusted else ())):
        yield "segment", name
    if found.trigger is not None:
        yield "source", found.trigger.source


def delivered(side: Side, found: Experiment) -> Iterator[Name]:
    """Name what it reaches units through."""
    board = side.says.board or Board()
    if found.layer is not None:
        yield "layer", found.layer
    yield from (
        ("holdout", name) for name, one in board.holdouts.items() if found.key in one.value.experiments
    )
    yield from (("audience", name) for name in audiences(board, found.audience))
    if found.flag is None:
        return
    yield "flag", found.flag
    known = board.flags.get(found.flag)
    if known is not None:
        yield from asked(board, known.value)


def asked(board: Board, flag: Flag) -> Iterator[Name]:
    """Name what a flag asks before it serves a variant."""
    yield from (("flag", name) for name in flag.requires)
    for rule in flag.rules:
        match rule:
            case ServeRule(to=to, when=when, audience=audience):
                if to is not None:
                    yield "list", to.list
                names = (*audiences(board, when), *audiences(board, audience))
                yield from (("audience", name) for name in names)
            case _:
                pass


def audiences(board: Board, condition: str | None, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Name the audiences that a condition names, and those that they name."""
    if condition is None:
        return
    try:
        names = frozenset(columns(parse(condition)))
    except ExpressionError:
        return
    for name in sorted((names & board.audiences.keys()) - seen):
        yield name
        yield from audiences(board, board.audiences[name].value, seen | {name})
