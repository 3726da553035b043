"""Columns over units that are added up together."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from splitrun.measure.sql import every, tree

__all__ = ["Block"]


@dataclass(frozen=True, slots=True)
class Block:
    """Columns over units whose moments are taken together."""

    name: str
    """Marks its columns in SQL."""
    outcome: tuple[exp.Expr, ...]
    """Null where the unit's value is missing or not yet known."""
    covariates: tuple[tuple[str, exp.Expr], ...]
    mature: exp.Expr
    cubed: bool
    """Whether the third moments of the outcome say something: not of a quantile."""
    cut: exp.Expr | None = None
    """Whether a cap cuts the unit's value down."""
    filled: bool = False
    """Whether no unit lacks an outcome."""
    binary: bool = False
    """Whether an outcome is 0 or 1, so that the sums of its powers are one count."""

    @property
    def mixed(self) -> bool:
        """Whether the outcome has third moments of both its columns together: a ratio."""
        return self.cubed and len(self.outcome) > 1

    @property
    def width(self) -> int:
        """How many columns it has."""
        return len(self.outcome) + len(self.covariates)

    @property
    def ripens(self) -> bool:
        """Whether there is a window to pass."""
        return self.mature != exp.true()

    def columns(self) -> list[tuple[str, exp.Expr]]:
        """The columns of a unit, under their names."""
        tests = [self.mature] if self.ripens else []
        if not self.filled:
            tests += [tree("(:x) IS NOT NULL", x=each) for each in self.outcome]
        there = every(tests)
        values = [*self.outcome, *(value for _, value in self.covariates)]
        named = [(f"i{self.name}", tree("CASE WHEN :m THEN 0 ELSE 1 END", m=self.mature))]
        if self.cut is not None:
            named.append(
                (f"h{self.name}", tree("CASE WHEN :t AND (:h) THEN 1 ELSE 0 END", t=there, h=self.cut))
            )
        return named + [
            (
                f"x{self.name}_{place}",
                tree("CASE WHEN :there THEN :x END", there=there, x=each) if tests else each,
            )
            for place, each in enumerate(values)
        ]
