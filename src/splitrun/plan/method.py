"""How often effects may be read, and how alpha is shared; what of it does not fit the experiment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from splitrun.errors import Mistake
from splitrun.plan.library import sources_of
from splitrun.plan.matter import Matter
from splitrun.spec.analysis import Method, Multiplicity, Spending
from splitrun.spec.experiment import Weighted
from splitrun.spec.model import Role
from splitrun.spec.source import EXPOSURES

__all__ = ["SPENDING", "method", "method_of", "multiplicity_of"]

SPENDING = Spending.OBRIEN_FLEMING

LOOKING = (Method.GROUP_SEQUENTIAL,)
"""Methods with looks that are planned."""

ENDING = (Method.GROUP_SEQUENTIAL, Method.HYBRID)
"""Methods that spend what is left of alpha at the planned end."""

PARAMETERS: Mapping[Spending, str] = {
    Spending.POWER: "the exponent above 0, like 2",
    Spending.HSD: "gamma, like -4",
}
"""What the parameter of a spending function is, where it has one."""


def method_of(matter: Matter) -> Method:
    """Give the method; without times there is one reading."""
    return matter.experiment.analysis.method or (Method.GROUP_SEQUENTIAL if timed(matter) else Method.FIXED)


def multiplicity_of(matter: Matter) -> Multiplicity:
    """Give how alpha is shared."""
    return matter.experiment.analysis.multiplicity or Multiplicity.BONFERRONI


def timed(matter: Matter) -> bool:
    """Whether the moment of exposure is known."""
    experiment = matter.experiment
    if experiment.exposures is None:
        # what clients log has its moment, though no file of it is named yet
        return experiment.delivered and experiment.moments is None
    return experiment.exposures.time is not None


def method(matter: Matter) -> Iterator[Mistake]:
    """Give everything that keeps the effects from being read as the experiment wants."""
    yield from spending(matter)
    yield from multiplicity(matter)
    chosen = method_of(matter)
    if chosen is Method.FIXED:
        return
    if not timed(matter):
        where = "sums made elsewhere" if matter.experiment.moments else "exposures without `time`"
        says = f"{chosen} reads effects more than once, and {where} are read once"
        yield (matter.top / "analysis").mistake(says, "write method: fixed", "method")
        return
    yield from planned(matter, chosen)
    yield from windows(matter, chosen)


def planned(matter: Matter, chosen: Method) -> Iterator[Mistake]:
    """What is read while it runs has a planned size, and where alpha is spent at the end, a planned end."""
    experiment = matter.experiment
    if experiment.analysis.planned_units is None:
        says = f"`planned_units` is missing, and {chosen} is tuned by it"
        remedy = (
            "write the total over all variants: units a day x days of enrolment, "
            "or 16 x variance / mei^2 for each variant (80 % power); or write method: fixed"
        )
        yield (matter.top / "analysis").mistake(says, remedy)
    if experiment.duration is None and chosen in ENDING:
        says = f"`duration` is missing, and {chosen} has a planned end"
        yield matter.top.mistake(says, "write duration: {enrol: 21d}, or method: fixed")


def windows(matter: Matter, chosen: Method) -> Iterator[Mistake]:
    """Totals without end grow for units that were read before: 7 to 24 % false positives, simulated."""
    for metric in matter.metrics:
        of_events = any(name != EXPOSURES for name, _ in sources_of(metric.metric))
        if metric.role in {Role.PRIMARY, Role.GUARDRAIL} and of_events and metric.metric.matures is None:
            says = f"{metric.role} {metric.key!r} has no window, so its totals have no end"
            yield metric.site.mistake(says, f"write a window like 7d, which {chosen} needs, or method: fixed")


def spending(matter: Matter) -> Iterator[Mistake]:
    """What concerns looks stands beside looks, and a parameter beside the function that has one."""
    rules, site, chosen = matter.experiment.analysis, matter.top / "analysis", method_of(matter)
    written = {
        "looks": rules.looks,
        "spending": rules.spending,
        "spending_parameter": rules.spending_parameter,
        "futility": rules.futility or None,
    }
    strange = [key for key, value in written.items() if value is not None and chosen not in LOOKING]
    for key in strange:
        says = f"`{key}` belongs to planned looks, and {chosen} has none"
        yield site.mistake(says, "take it out, or write method: group_sequential", key)
    if strange:
        return
    shape, parameter = rules.spending or SPENDING, rules.spending_parameter
    if shape in PARAMETERS and parameter is None:
        says = f"{shape} needs a parameter"
        yield site.mistake(says, f"write `spending_parameter`: {PARAMETERS[shape]}", "spending")
    if shape not in PARAMETERS and parameter is not None:
        yield site.mistake(f"{shape} has no parameter", "take it out", "spending_parameter")
    if shape is Spending.POWER and parameter is not None and parameter <= 0:
        says = f"power spending by {parameter:g} never grows"
        yield site.mistake(says, "write a number above 0, like 2", "spending_parameter")


def multiplicity(matter: Matter) -> Iterator[Mistake]:
    """A correction fits the method, the treatments and the weights."""
    chosen, site = multiplicity_of(matter), matter.top / "analysis"
    if chosen is Multiplicity.DUNNETT and method_of(matter) is not Method.FIXED:
        says = f"dunnett holds for one reading, and {method_of(matter)} reads more than once"
        yield site.mistake(says, "write bonferroni, or method: fixed", "multiplicity")
    if chosen is Multiplicity.DUNNETT and len(matter.experiment.variants) == 2:
        says = "dunnett compares several treatments with control, and there is one"
        yield site.mistake(says, "write bonferroni", "multiplicity")
    if chosen in {Multiplicity.BONFERRONI, Multiplicity.DUNNETT}:
        return
    for index, primary in enumerate(matter.experiment.metrics.primary):
        match primary:
            case Weighted(weight=weight) if weight != 1:
                says = f"weight {weight} deals out alpha, and {chosen} does not share it by weight"
                at = matter.top / "metrics" / "primary" / index
                yield at.mistake(says, "take the weight out, or write multiplicity: bonferroni", "weight")
            case _:
                pass
