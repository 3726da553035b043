"""The definitions that experiments share, gathered from the files of a project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from splitrun.errors import Mistake, SpecError
from splitrun.plan.defined import Defined, added
from splitrun.spec.metric import Metric, Ratio
from splitrun.spec.model import Key
from splitrun.spec.project import Definitions
from splitrun.spec.segment import Segment
from splitrun.spec.source import EVENTS, EXPOSURES, MOMENTS, Source
from splitrun.spec.templates.pack import Pack
from splitrun.spec.written.document import Site, Written
from splitrun.spec.written.fields import suggested

__all__ = ["Library", "library", "sources_of"]

RESERVED = (EXPOSURES, MOMENTS)


@dataclass(frozen=True, slots=True)
class Library:
    """Everything that has a name."""

    sources: Mapping[str, Defined[Source]] = field(default_factory=dict)
    metrics: Mapping[str, Defined[Metric]] = field(default_factory=dict)
    segments: Mapping[str, Defined[Segment]] = field(default_factory=dict)
    groups: Mapping[str, Defined[tuple[Key, ...]]] = field(default_factory=dict)
    templates: Mapping[str, Pack] = field(default_factory=dict)
    """Of the project; those that ship are always there."""


def library(files: Iterable[Written[Definitions]]) -> Library:
    """Gather definitions; a name stands for one thing.

    Raises:
        SpecError: A name is defined twice, or a definition names what is not there; all mistakes.
    """
    sources: dict[str, Defined[Source]] = {}
    metrics: dict[str, Defined[Metric]] = {}
    segments: dict[str, Defined[Segment]] = {}
    groups: dict[str, Defined[tuple[Key, ...]]] = {}
    mistakes: list[Mistake] = []
    for file in files:
        top = Site(file.document, ())
        mistakes += added(sources, file.value.sources, top / "sources")
        mistakes += added(metrics, file.value.metrics, top / "metrics")
        mistakes += added(segments, file.value.segments, top / "segments")
        mistakes += added(groups, file.value.groups, top / "groups")
    whole = Library(sources, metrics, segments, groups)
    mistakes += reserved(whole) + loose_metrics(whole) + loose_groups(whole)
    if mistakes:
        raise SpecError(mistakes)
    return whole


def reserved(whole: Library) -> list[Mistake]:
    """Refuse names that mean something already."""
    mistakes = [
        whole.sources[name].site.mistake(
            f"`{name}` is the name of an experiment's own rows", "choose another name"
        )
        for name in RESERVED
        if name in whole.sources
    ]
    return mistakes + [
        group.site.mistake(f"{name!r} is a metric as well as a group", "rename one of them")
        for name, group in whole.groups.items()
        if name in whole.metrics
    ]


def sources_of(metric: Metric) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Give the sources a metric reads, each with the path to where the metric names it."""
    match metric:
        case Ratio(over=over, under=under):
            return ((over.source, ("over", "source")), (under.source, ("under", "source")))
        case _:
            return ((metric.source, ("source",)),)


def loose_metrics(whole: Library) -> list[Mistake]:
    """Find metrics whose source is not there."""
    known = (*whole.sources, *RESERVED, EVENTS)
    return [
        metric.site.mistake(f"there is no source {name!r}", suggested(name, known), *path)
        for metric in whole.metrics.values()
        for name, path in sources_of(metric.value)
        if name not in known
    ]


def loose_groups(whole: Library) -> list[Mistake]:
    """Find groups that hold what is no metric."""
    return [
        group.site.mistake(f"there is no metric {name!r}", suggested(name, whole.metrics), index)
        for group in whole.groups.values()
        for index, name in enumerate(group.value)
        if name not in whole.metrics
    ]
