"""Ranges of units, taken one after another in a fixed order, so that memory does not grow with them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from sqlglot import exp

from splitrun.measure.sql import Work, every, relation, select, text, tree, whole
from splitrun.measure.units import UNITS

__all__ = ["NUMBERS", "WHOLE", "Range", "many", "ranges", "turns"]

NUMBERS = 8_000_000
"""How many numbers (units times their sums) are held at once. More ranges mean less memory and, where files
are not sorted by unit, another look at each file; 1 M units with 20 sums each are three ranges."""


@dataclass(frozen=True, slots=True)
class Range:
    """Ids from one on up to another; the whole where neither is named."""

    low: exp.Expr | None = None
    """The smallest id in it."""
    high: exp.Expr | None = None
    """The smallest id beyond it."""

    def holds(self, key: exp.Expr) -> exp.Expr:
        """Whether an id lies in it."""
        tests = []
        if self.low is not None:
            tests.append(tree(":k >= :low", k=key, low=self.low))
        if self.high is not None:
            tests.append(tree(":k < :high", k=key, high=self.high))
        return every(tests)


WHOLE = Range()


def many(units: int, width: int, numbers: int = NUMBERS) -> int:
    """How many ranges units with that many sums each are cut into."""
    return max(1, -(-units * width // numbers))


def ranges(work: Work, count: int, *, ids_as_numbers: bool) -> tuple[Range, ...]:
    """Cut the units' ids into ranges of as many units each; their order in the files decides nothing."""
    if count == 1:
        return (WHOLE,)
    named = [
        (f"b{place}", tree("QUANTILE_DISC(key, :at)", at=exp.Literal.number(repr(place / count))))
        for place in range(1, count)
    ]
    row = work.one("ranges of units", select(named, relation(UNITS, "u")))
    written = dict.fromkeys(row.values())
    bounds = [whole(int(each)) if ids_as_numbers else text(str(each)) for each in written if each is not None]
    return tuple(Range(low, high) for low, high in pairwise([None, *bounds, None]))


def turns(units: int, count: int) -> tuple[Range, ...]:
    """Cut the numbers 1 to `units` into as many runs."""
    if count == 1:
        return (WHOLE,)
    ends = [units * place // count for place in range(count + 1)]
    return tuple(Range(whole(first + 1), whole(last + 1)) for first, last in pairwise(ends) if last > first)
