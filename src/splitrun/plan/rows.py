"""What must be true of the rows an experiment names: exposures, sums, sources, windows, segments, trigger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from splitrun.errors import Mistake
from splitrun.plan.defined import Defined
from splitrun.plan.library import sources_of
from splitrun.plan.matter import Chosen, Matter
from splitrun.spec.metric import (
    ActiveDays,
    Cap,
    Count,
    Distinct,
    Mean,
    Metric,
    Per,
    Quantile,
    Ratio,
    Retention,
    Share,
    Total,
)
from splitrun.spec.segment import Segment
from splitrun.spec.source import EXPOSURES, LOGGED, ROW, Exposures, MomentsTable, RatioSums, Source
from splitrun.spec.written.document import Site
from splitrun.spec.written.fields import suggested
from splitrun.terms.parse import parse
from splitrun.terms.tree import columns

__all__ = ["rows", "segments", "unit_column"]


def rows(matter: Matter, *, awaited: bool = False) -> Iterator[Mistake]:
    """Give everything that is wrong with the rows, as far as it shows without reading them.

    Args:
        matter: The experiment and what is around it.
        awaited: Whether an experiment that is dealt here may name no rows yet.
    """
    experiment = matter.experiment
    match experiment.exposures, experiment.moments:
        case None, None if experiment.delivered:
            if not awaited:
                yield from from_exposures(matter, LOGGED)
        case None, None:
            says = "nothing says which unit met which variant"
            yield matter.top.mistake(says, "write `exposures`, or `moments` with sums made elsewhere")
        case Exposures() as exposures, None:
            yield from from_exposures(matter, exposures)
        case None, MomentsTable() as moments:
            yield from from_moments(matter, moments)
        case _:
            says = "`exposures` and `moments` both say where the data is"
            yield matter.top.mistake(says, "keep one of the two", "moments")
    yield from unknown_segments(matter)


def from_exposures(matter: Matter, exposures: Exposures) -> Iterator[Mistake]:
    """Check rows of exposures, and sources beside them."""
    site = matter.top / "exposures"
    if exposures.cluster is not None and exposures.cluster == exposures.unit:
        says = f"the cluster is the unit itself, {exposures.unit!r}"
        yield site.mistake(says, "name the column that several units share, or take it out", "cluster")
    yield from variant_values(matter, exposures.variants, site / "variants")
    for metric in matter.metrics:
        yield from metric_rows(matter, exposures, metric)
    yield from trigger(matter, exposures)
    for key, segment in segments(matter).items():
        yield from before_exposure(exposures, segment, segment_site(matter, key, segment))


def variant_values(
    matter: Matter, values: Mapping[str | int | float | bool, str], site: Site
) -> Iterator[Mistake]:
    """Every value stands for a variant, every variant for some value."""
    known, seen = matter.experiment.variants, set[str]()
    for value, variant in values.items():
        if variant not in known:
            yield site.mistake(f"there is no variant {variant!r}", suggested(variant, known), value)
        if str(value) in seen:
            yield site.mistake(f"two values are written {value}", "keep one of them", value)
        seen.add(str(value))
    for variant in known if values else ():
        if variant not in values.values():
            yield site.mistake(f"no value stands for variant {variant!r}", f"write VALUE: {variant}")


def metric_rows(matter: Matter, exposures: Exposures, metric: Chosen) -> Iterator[Mistake]:
    """Check that a metric's rows are there, can be joined, and have the times its window needs."""
    spans = metric.metric.matures is not None
    if spans and exposures.time is None:
        says = f"metric {metric.key!r} {spanning(metric.metric)}, and the exposures have no `time`"
        yield metric.site.mistake(
            says, "name the column with the moment of exposure, or leave the window out"
        )
    for name, path in sources_of(metric.metric):
        if name == EXPOSURES:
            yield from own_rows(metric)
            continue
        source = matter.sources.get(name)
        if source is None:
            known = (*matter.sources, EXPOSURES)
            yield metric.home.mistake(f"there is no source {name!r}", suggested(name, known), *path)
            continue
        if spans and source.value.time is None:
            says = f"metric {metric.key!r} {spanning(metric.metric)}, and source {name!r} has no `time`"
            yield source.site.mistake(says, "name the column with the moment of the event")
        yield from joined(matter, exposures, name, source)


def spanning(metric: Metric) -> str:
    """Say what makes a metric need times."""
    return "looks from one moment to another" if type(metric) is Retention else "has a window"


def own_rows(metric: Chosen) -> Iterator[Mistake]:
    """Exposure rows are one per unit, and know neither a window nor several events."""
    match metric.metric:
        case Distinct() | Retention() | ActiveDays():
            says = (
                f"metric {metric.key!r} is read from the exposure rows, and {metric.metric.kind} needs events"
            )
            yield metric.home.mistake(says, "name a source with events", "source")
        case Quantile(per=Per.EVENT):
            says = f"metric {metric.key!r} is read from the exposure rows, which are one for each unit"
            yield metric.home.mistake(says, "write per: unit", "per")
        case Share(window=window) | Mean(window=window) | Ratio(window=window) | Quantile(window=window):
            if window is not None:
                says = f"metric {metric.key!r} is read from the exposure rows, which know no window"
                yield metric.home.mistake(says, "take the window out", "window")


def joined(matter: Matter, exposures: Exposures, name: str, source: Defined[Source]) -> Iterator[Mistake]:
    """Check that a source's rows can be joined to units."""
    unit = matter.experiment.unit
    if exposures.unit == ROW:
        says = f"each exposure row is a unit of its own, so that rows of source {name!r} belong to nobody"
        yield (matter.top / "exposures").mistake(says, "name the column with the unit's id", "unit")
    elif unit_column(matter, source.value) is None:
        says = f"source {name!r} does not say which column holds the {unit}"
        yield source.site.mistake(says, f"write unit: {{{unit}: COLUMN}}")


def unit_column(matter: Matter, source: Source) -> str | None:
    """Give the column of a source that holds the experiment's unit."""
    unit = matter.experiment.unit
    match source.unit:
        case str(column):
            return column
        case None:
            types = matter.project.units if matter.project else {}
            return types[unit].key if unit in types else None
        case mapped:
            return mapped.get(unit)


def trigger(matter: Matter, exposures: Exposures) -> Iterator[Mistake]:
    """A trigger is a later moment in a source with times."""
    written, site = matter.experiment.trigger, matter.top / "trigger"
    if written is None:
        return
    if exposures.time is None:
        yield site.mistake("a trigger needs the moment of exposure", "write `time` in `exposures`")
    source = matter.sources.get(written.source)
    if source is None:
        says = f"there is no source {written.source!r} with events"
        yield site.mistake(says, suggested(written.source, matter.sources), "source")
        return
    if source.value.time is None:
        says = f"the trigger needs moments, and source {written.source!r} has no `time`"
        yield source.site.mistake(says, "name the column with the moment of the event")
    yield from joined(matter, exposures, written.source, source)


def from_moments(matter: Matter, moments: MomentsTable) -> Iterator[Mistake]:
    """Check a table of sums that was made elsewhere."""
    site = matter.top / "moments"
    if matter.experiment.trigger is not None:
        yield matter.top.mistake(
            "sums are made already; no trigger can choose units", "take it out", "trigger"
        )
    yield from variant_values(matter, moments.variants, site / "variants")
    for metric in matter.metrics:
        yield from metric_sums(moments, metric, site / "metrics")
    yield from sums_segments(matter, moments)


def metric_sums(moments: MomentsTable, metric: Chosen, site: Site) -> Iterator[Mistake]:
    """Check that a metric's sums are named, and can be what the metric says."""
    sums, ratio = moments.metrics.get(metric.key), type(metric.metric) is Ratio
    if sums is None:
        says = f"metric {metric.key!r} has no sums in `moments`"
        yield metric.site.mistake(says, suggested(metric.key, moments.metrics))
    elif (type(sums) is RatioSums) != ratio:
        form = "sum_num, sum_den, sumsq_num, sumsq_den, sum_num_den" if ratio else "sum, sumsq"
        says = f"the columns do not fit a {metric.metric.kind}"
        yield site.mistake(says, f"write {form}", metric.key)
    match metric.metric:
        case Quantile():
            says = f"metric {metric.key!r} is a quantile, which no sums can give"
            yield metric.site.mistake(says, "hand over rows, as `exposures` and sources")
        case (
            Mean(cap=Cap())
            | Ratio(over=Total(cap=Cap()))
            | Ratio(over=Count(cap=Cap()))
            | Ratio(under=Total(cap=Cap()))
            | Ratio(under=Count(cap=Cap()))
        ):
            says = f"metric {metric.key!r} has a cap, and sums are made already"
            yield metric.site.mistake(says, "cap values before they are added up, and take `cap` out")
        case _:
            pass


def sums_segments(matter: Matter, moments: MomentsTable) -> Iterator[Mistake]:
    """A table of sums is cut by its own column, or not at all."""
    for key, segment in segments(matter).items():
        if (
            moments.segment is None
            or segment.value.values != moments.segment
            or segment.value.keep is not None
        ):
            says = f"segment {key!r} cannot be cut from sums"
            remedy = "name the column with its levels as `segment` in `moments`, and cut by its `values`"
            yield segment_site(matter, key, segment).mistake(says, remedy)


def segments(matter: Matter) -> dict[str, Defined[Segment]]:
    """Give the segments that are named or defined, as far as they are known."""
    match matter.experiment.segments:
        case dict() as own:
            return {key: Defined(segment, matter.top / "segments" / key) for key, segment in own.items()}
        case listed:
            return {key: matter.library.segments[key] for key in listed if key in matter.library.segments}


def segment_site(matter: Matter, key: str, segment: Defined[Segment]) -> Site:
    """Give the place where the experiment takes a segment."""
    match matter.experiment.segments:
        case dict():
            return segment.site
        case listed:
            return matter.top / "segments" / listed.index(key)


def unknown_segments(matter: Matter) -> Iterator[Mistake]:
    """Every segment named is defined, and named once."""
    match matter.experiment.segments:
        case dict():
            return
        case listed:
            site = matter.top / "segments"
            for index, key in enumerate(listed):
                if key not in matter.library.segments:
                    remedy = suggested(key, matter.library.segments)
                    yield site.mistake(f"there is no segment {key!r}", remedy, index)
                if key in listed[:index]:
                    yield site.mistake(f"segment {key!r} is named twice", "name it once", index)


def before_exposure(exposures: Exposures, segment: Defined[Segment], site: Site) -> Iterator[Mistake]:
    """A segment uses only what was known before exposure."""
    cut = segment.value
    used = [cut.values] if cut.values is not None else []
    used += columns(parse(cut.when)) if cut.when is not None else ()
    for column in used:
        if not exposures.before(column):
            says = f"column {column!r} is not among `pre_exposure`, so it may be an effect of the change"
            yield site.mistake(
                says, f"add it to exposures.pre_exposure, {suggested(column, exposures.pre_exposure)}"
            )
