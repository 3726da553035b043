"""What effects are adjusted by, and whether it was known before exposure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from splitrun.errors import Mistake
from splitrun.plan.library import sources_of
from splitrun.plan.matter import Matter
from splitrun.plan.rows import segments
from splitrun.spec.analysis import PRE_PERIOD, Adjust
from splitrun.spec.source import EXPOSURES, Exposures
from splitrun.spec.written.document import Site
from splitrun.spec.written.fields import suggested

__all__ = ["adjustment", "planned_adjustment"]

LOOKBACK = timedelta(days=14)


def planned_adjustment(matter: Matter) -> Adjust | None:
    """Write out how long before exposure `pre_period` begins, where it is a covariate."""
    written = matter.experiment.analysis.adjust
    if written is None or PRE_PERIOD not in written.covariates:
        return written
    return written.model_copy(update={"lookback": written.lookback or LOOKBACK})


def adjustment(matter: Matter) -> Iterator[Mistake]:
    """Give everything that keeps effects from being adjusted as the experiment wants."""
    written, site = matter.experiment.analysis.adjust, matter.top / "analysis" / "adjust"
    if written is None:
        return
    if matter.experiment.moments is not None:
        yield site.mistake("sums are made already, and nothing more is known of their units", "take it out")
    if not written.covariates and not written.strata:
        says = "nothing is named to adjust by"
        yield site.mistake(says, f"write covariates: [{PRE_PERIOD}], or strata with names of segments")
    elif written.lookback is not None and PRE_PERIOD not in written.covariates:
        says = f"a lookback is for the covariate `{PRE_PERIOD}`, which is not named"
        yield site.mistake(says, f"write covariates: [{PRE_PERIOD}], or take the lookback out", "lookback")
    yield from strata(matter, written, site / "strata")
    match matter.experiment.exposures:
        case Exposures() as exposures:
            yield from covariates(exposures, written, site / "covariates")
            if PRE_PERIOD in written.covariates:
                at = site / "covariates" / written.covariates.index(PRE_PERIOD)
                yield from pre_period(matter, exposures, at)
        case None:
            pass


def covariates(exposures: Exposures, written: Adjust, site: Site) -> Iterator[Mistake]:
    """A covariate was known before exposure, and is named once."""
    for index, name in enumerate(written.covariates):
        if name in written.covariates[:index]:
            yield site.mistake(f"covariate {name!r} is named twice", "name it once", index)
        elif name == PRE_PERIOD and name in exposures.pre_exposure:
            says = (
                f"`{PRE_PERIOD}` is each metric's own value before exposure, and a column has the same name"
            )
            yield site.mistake(says, "rename the column", index)
        elif name != PRE_PERIOD and not exposures.before(name):
            says = f"column {name!r} is not among `pre_exposure`, so it may be an effect of the change"
            remedy = (
                f"add it to exposures.pre_exposure, {suggested(name, (*exposures.pre_exposure, PRE_PERIOD))}"
            )
            yield site.mistake(says, remedy, index)


def strata(matter: Matter, written: Adjust, site: Site) -> Iterator[Mistake]:
    """A stratum is a segment of the experiment, and is named once."""
    known = segments(matter)
    for index, key in enumerate(written.strata):
        if key in written.strata[:index]:
            yield site.mistake(f"stratum {key!r} is named twice", "name it once", index)
        elif key not in known:
            says = f"{key!r} is not among the segments of this experiment"
            yield site.mistake(says, f"add it to `segments`, {suggested(key, known)}", index)


def pre_period(matter: Matter, exposures: Exposures, site: Site) -> Iterator[Mistake]:
    """What came before exposure is known where exposures and events have times."""
    if exposures.time is None:
        says = f"`{PRE_PERIOD}` is what came before exposure, and the exposures have no `time`"
        yield site.mistake(says, "name the column with the moment of exposure, or take it out")
        return
    used = dict.fromkeys(name for metric in matter.metrics for name, _ in sources_of(metric.metric))
    if set(used) <= {EXPOSURES}:
        says = f"`{PRE_PERIOD}` is a metric's value before exposure, and no metric here is made of events"
        yield site.mistake(says, "take it out, or name columns of pre_exposure")
    for name in used:
        if name in matter.sources and matter.sources[name].value.time is None:
            says = f"`{PRE_PERIOD}` needs moments, and source {name!r} has no `time`"
            yield matter.sources[name].site.mistake(says, "name the column with the moment of the event")
