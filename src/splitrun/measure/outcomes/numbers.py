"""A unit's numbers: what its rows were added up to, and whether its window has passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from splitrun.errors import DataError
from splitrun.measure.events import MET
from splitrun.measure.parts import Part, What
from splitrun.measure.ranges import WHOLE, Range
from splitrun.measure.rows.enrolment import MICROSECOND
from splitrun.measure.sql import column, relation, select, tree, whole
from splitrun.spec.plan import Plan, PlannedMetric
from splitrun.spec.source import EXPOSURES

__all__ = ["Numbers"]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Where the parts of a plan stand, unit by unit."""

    plan: Plan
    parts: tuple[Part, ...]
    tables: Mapping[str, str]
    """By source: the table with its columns."""
    earliest: Mapping[str, int | None]
    """By source: the moment of its first row, from which on it speaks."""
    as_of: int | None
    first: int | None
    """The first exposure of all."""
    timed: bool

    def over(self, named: Sequence[tuple[str, exp.Expr]], turn: Range = WHOLE) -> exp.Select:
        """Select from the units that are analysed, or those of one turn, with all their numbers."""
        query = select(named, relation(MET, "u")).where(tree("u.met"), copy=False)
        for source, table in self.tables.items():
            alias = self._alias(source)
            met = tree("u.n = :n", n=column("n", alias))
            joined: exp.Expr = relation(table, alias)
            if turn is not WHOLE:
                within = turn.holds(tree("t.n"))
                joined = exp.select("*").from_(relation(table, "t"), copy=False).where(within, copy=False)
                joined = joined.subquery(alias, copy=False)
            query = query.join(joined, on=met, join_type="left", copy=False)
        return query if turn is WHOLE else query.where(turn.holds(tree("u.n")), copy=False)

    def of(self, part: Part) -> exp.Expr:
        """A unit's number of a part: a unit without any event has a true 0."""
        place = f"p{self.parts.index(part)}"
        if part.source == EXPOSURES:
            return column(place, "u")
        alias = self._alias(part.source)
        number = column(place, alias)
        if part.what in {What.ANY, What.COUNT}:
            number = tree("CAST(:p AS DOUBLE)", p=number)
        return tree("CASE WHEN :n IS NULL THEN 0.0 ELSE :p END", n=column("n", alias), p=number)

    def mature(self, planned: PlannedMetric, at: int | None = None) -> exp.Expr:
        """Whether a unit's window has passed at some moment, by default `as_of`.

        Raises:
            DataError: The metric has a window and the exposures have no time.
        """
        window = planned.metric.matures
        if window is None and at is None:
            return exp.true()
        moment = self.as_of if at is None else at
        if not self.timed or moment is None:
            raise DataError(
                f"metric {planned.key!r} has a window, but the exposures name no time; "
                "name `exposures.time` or leave the window out"
            )
        span = 0 if window is None else window // MICROSECOND
        return tree("u.start <= :last", last=whole(moment - span))

    def looks(self) -> tuple[int, ...]:
        """The planned looks up to `as_of`, in microseconds since 1970 UTC."""
        if self.first is None or self.as_of is None:
            return ()
        moments = (self.first + look // MICROSECOND for look in self.plan.analysis.looks)
        return tuple(moment for moment in moments if moment <= self.as_of)

    def _alias(self, source: str) -> str:
        return f"e{list(self.tables).index(source)}"
