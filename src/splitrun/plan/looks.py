"""The moments at which a group-sequential plan reads effects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from splitrun.errors import Mistake
from splitrun.plan.matter import Matter
from splitrun.plan.method import method_of
from splitrun.spec.amount import written_window
from splitrun.spec.analysis import MOST_LOOKS, Method, Rhythm
from splitrun.spec.model import Role
from splitrun.spec.written.document import Site

__all__ = ["end", "looks", "moments"]

USUAL_LOOKS = 6
"""At most so many where nobody chose: more cost power and tell little."""

STEPS = {Rhythm.WEEKLY: timedelta(weeks=1), Rhythm.DAILY: timedelta(days=1)}
MINUTE = timedelta(minutes=1)
NOTHING = timedelta(0)


def end(matter: Matter) -> timedelta | None:
    """Give the planned end: enrolment, then the longest span of a primary or guardrail."""
    duration = matter.experiment.duration
    if duration is None:
        return None
    decisive = spans(matter, Role.PRIMARY, Role.GUARDRAIL)
    return duration.enrol + max(decisive, default=NOTHING)


def spans(matter: Matter, *roles: Role) -> list[timedelta]:
    """How long units need until they count, for the metrics of some roles."""
    return [metric.metric.matures or NOTHING for metric in matter.metrics if metric.role in roles]


def first(matter: Matter) -> timedelta:
    """Give the moment before which no unit can count for any primary."""
    return min(spans(matter, Role.PRIMARY), default=NOTHING)


def moments(matter: Matter) -> tuple[timedelta, ...]:
    """Give the moments at which effects are read, after the first exposure; the last is the planned end.

    Methods without planned looks have the planned end alone, and nothing where no duration is planned.
    """
    last = end(matter)
    if last is None:
        return ()
    if method_of(matter) is not Method.GROUP_SEQUENTIAL:
        return (last,)
    match matter.experiment.analysis.looks:
        case None:
            return thinned((*rhythm(Rhythm.WEEKLY, first(matter), last), last))
        case Rhythm() as often:
            return (*rhythm(often, first(matter), last), last)
        case int(number):
            return (*equal(number, first(matter), last), last)
        case written:
            return (*(span for span in written if span < last), last)


def rhythm(often: Rhythm, after: timedelta, last: timedelta) -> tuple[timedelta, ...]:
    """Every step between two moments, without either."""
    step = STEPS[often]
    return tuple(step * count for count in range(after // step + 1, -(-last // step)))


def equal(number: int, after: timedelta, last: timedelta) -> tuple[timedelta, ...]:
    """All but the last of so many looks, equally far apart, in whole minutes."""
    whole = (last - after) // MINUTE
    return tuple(after + MINUTE * (whole * count // number) for count in range(1, number))


def thinned(every: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    """Keep at most the usual number of looks, spread evenly, the last among them."""
    if len(every) <= USUAL_LOOKS:
        return every
    places = [-(-len(every) * count // USUAL_LOOKS) - 1 for count in range(1, USUAL_LOOKS + 1)]
    return tuple(every[place] for place in places)


def looks(matter: Matter) -> Iterator[Mistake]:
    """Looks can be kept: not too many, in order, each after the first unit counts and before the end."""
    last, written = end(matter), matter.experiment.analysis.looks
    if last is None or written is None or method_of(matter) is not Method.GROUP_SEQUENTIAL:
        return
    site = matter.top / "analysis" / "looks"
    match written:
        case tuple() as listed:
            yield from in_order(listed, first(matter), last, site)
        case _:
            pass
    made = moments(matter)
    if len(made) > MOST_LOOKS:
        says = f"these are {len(made)} looks up to the planned end after {written_window(last)}"
        yield site.mistake(says, f"write a number up to {MOST_LOOKS}, or a list like [7d, 14d]")
    elif len(set(made)) < len(made):
        says = f"{len(made)} looks do not fit into {written_window(last - first(matter))}"
        yield site.mistake(says, "write fewer")


def in_order(
    listed: tuple[timedelta, ...], after: timedelta, last: timedelta, site: Site
) -> Iterator[Mistake]:
    """Each look is later than the one before, and lies between the first unit that counts and the end."""
    before = NOTHING
    for index, span in enumerate(listed):
        shown = written_window(span)
        if span <= before:
            yield site.mistake(
                f"{shown} does not come after {written_window(before)}", "order the looks", index
            )
        elif span <= after:
            says = f"{shown} after the first exposure no unit counts for any primary yet"
            yield site.mistake(says, f"look later than {written_window(after)}", index)
        elif span > last:
            says = f"{shown} lies after the planned end, which is {written_window(last)}"
            yield site.mistake(
                says, "take it out, or enrol longer; the planned end is a look of its own", index
            )
        before = span
