"""A quick question about size: one metric, asked without an experiment's file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from splitrun.spec.amount import Change, Portion, Window
from splitrun.spec.analysis import MOST_LOOKS, Method, Spending
from splitrun.spec.model import Direction, Model
from splitrun.spec.power.baselines import Baseline
from splitrun.spec.reading import checked, read_mapping
from splitrun.spec.written.document import Document, Written

__all__ = ["Question", "read_question"]


def read_short(written: object) -> object:
    """Read `12%` as the baseline of a share."""
    match written:
        case str() if written.strip().endswith("%"):
            return {"share": written}
        case int() | float() | str():
            raise ValueError(
                f"{written} alone is no baseline; write 12% for a share, or mean and sd: {{mean: 8, sd: 20}}"
            )
        case _:
            return written


class Question(Model):
    """How many units, how long, how small an effect: for one metric."""

    baseline: Annotated[Baseline, BeforeValidator(read_short)]
    """The metric in control: 12% for a share, else `{mean: 8, sd: 20}` or the parts of a ratio."""
    mei: Change | None = None
    """The minimum effect of interest: 1% relative, 1pp or a plain number absolute."""
    margin: Change | None = None
    """In place of it, the largest harm tolerated, to be ruled out one-sided (a guardrail)."""
    better: Direction = Direction.HIGHER
    """Where better lies."""
    units: Annotated[int, Field(ge=4)] | None = None
    """Units of all variants together, where it is known what can be had."""
    alpha: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    """Of all comparisons together, two-sided: 0.05; of a margin, one-sided: 0.025."""
    power: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """Chance to find the effect, or to rule the margin out."""
    one_sided: bool = False
    """Whether only the better side is of interest; a margin always is."""
    weights: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2)] = (1, 1)
    """Of the variants, control first."""
    primaries: Annotated[int, Field(ge=1, le=100)] = 1
    """Primary metrics that share alpha."""
    guardrails: Annotated[int, Field(ge=0, le=100)] = 0
    """Guardrails that must be proved, over which and this metric the chance to miss is split."""
    method: Method = Method.FIXED
    """How often effects are read."""
    looks: Annotated[int, Field(ge=1, le=MOST_LOOKS)] | None = None
    """Of a group-sequential plan, equally far apart; 5 where nothing is written."""
    spending: Spending | None = None
    """How alpha is spent over the looks."""
    spending_parameter: float | None = None
    """Of `power` and `hsd`, and only there."""
    futility: bool = False
    """Whether a group-sequential plan stops where going on is futile."""
    units_per_day: Annotated[float, Field(gt=0)] | None = None
    """Eligible units that come new each day."""
    coverage: Portion = 1.0
    """Share of them that is enrolled."""
    enrol: Window | None = None
    """How long units are enrolled, where that is fixed."""
    window: Window | None = None
    """How long after its exposure a unit counts."""
    whole_weeks: bool = True
    """Whether enrolment covers each day of the week equally often."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for wrong in (self._aim(), self._looking(), self._size()):
            if wrong:
                raise ValueError(wrong)
        return self

    def _aim(self) -> str:
        """What is wrong with what is looked for."""
        if self.mei is not None and self.margin is not None:
            return "an effect and a margin are two questions; write `mei` or `margin`"
        if self.mei is None and self.margin is None and self.units is None and not self._flowing:
            return "nothing says what is sought; write `mei` to get units, or `units` to get what they detect"
        return ""

    def _looking(self) -> str:
        """What is wrong with how it is read."""
        if self.method is not Method.GROUP_SEQUENTIAL:
            written = {"looks": self.looks, "spending": self.spending, "futility": self.futility or None}
            strange = [name for name, value in written.items() if value is not None]
            if strange:
                return f"`{strange[0]}` belongs to planned looks; write method: group_sequential"
        needs = self.spending in {Spending.POWER, Spending.HSD}
        if needs != (self.spending_parameter is not None):
            return (
                "`spending_parameter` belongs to the spending functions power and hsd; write both or neither"
            )
        return ""

    def _size(self) -> str:
        """What is wrong with how many units there are."""
        if self.units is not None and self._flowing:
            return "`units` and `enrol` each say how many units there will be; write one of them"
        if self.enrol is not None and self.units_per_day is None:
            return "`enrol` without `units_per_day` says nothing of units; write both"
        return ""

    @property
    def _flowing(self) -> bool:
        """Whether enrolment says how many units there will be."""
        return self.enrol is not None and self.units_per_day is not None


def read_question(mapping: Mapping[str, object], name: str = "power") -> Written[Question]:
    """Read a question that was put in Python, or on the command line.

    Raises:
        SpecError: All mistakes.
    """
    return checked(Question, Document(name, read_mapping(mapping)))
