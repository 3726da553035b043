"""The plan's exposures, read: what a row says of the unit, its variant, its moment and its covariates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlglot import exp

from splitrun.errors import DataError
from splitrun.measure.kinds import Attribute, Reading, labelled
from splitrun.measure.parts import Part, usable
from splitrun.measure.sql import choice, tree, whole
from splitrun.spec.analysis import PRE_PERIOD
from splitrun.spec.plan import Plan
from splitrun.spec.source import Exposures
from splitrun.terms.tree import Kind

__all__ = ["EPOCH", "MICROSECOND", "Enrolment", "identity", "microseconds", "moment", "moment_of"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (at - EPOCH) // MICROSECOND


def moment(micros: int | None) -> datetime | None:
    """The moment that many microseconds after 1970 UTC."""
    return None if micros is None else EPOCH + timedelta(microseconds=micros)


def identity(attribute: Attribute, alias: str, *, as_number: bool) -> exp.Expr:
    """A unit's id; null where it is empty."""
    if as_number:
        return tree("TRY_CAST(:c AS BIGINT)", c=attribute.at(alias))
    return tree("NULLIF(:id, '')", id=attribute.identity(alias))


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The plan's exposures, read, and what is to be taken from their rows."""

    plan: Plan
    exposures: Exposures
    reading: Reading
    parts: tuple[Part, ...]
    ids_as_numbers: bool
    limit: int | None
    """Rows after it are not read."""
    now: int | None
    """Rows after it are not yet possible, and counted."""

    @property
    def covariates(self) -> tuple[str, ...]:
        """Columns known before exposure that effects are adjusted by."""
        adjust = self.plan.analysis.adjust
        return () if adjust is None else tuple(name for name in adjust.covariates if name != PRE_PERIOD)

    def covariate(self, name: str, *, filled: bool = False) -> exp.Expr:
        """A covariate as a number; null where it is none, unless it is known that no unit lacks it.

        Raises:
            DataError: The column holds no numbers.
        """
        attribute = self.reading.attribute(name, "analysis.adjust")
        if attribute.kind not in {Kind.NUMBER, Kind.BOOLEAN}:
            raise DataError(
                f"exposures: the covariate {name!r} holds {attribute.kind.value}s and no numbers; "
                "declare it as a segment and name that in analysis.adjust.strata"
            )
        number = attribute.number("r")
        return number if filled else tree("CASE WHEN :ok THEN :n END", ok=usable(number), n=number)

    def cluster(self) -> exp.Expr:
        """What names the unit's cluster; null where it is empty."""
        if self.exposures.cluster is None:
            return tree("CAST(NULL AS TEXT)")
        attribute = self.reading.attribute(self.exposures.cluster, "exposures.cluster")
        return tree("NULLIF(:label, '')", label=attribute.written("r"))

    @property
    def by_row(self) -> bool:
        """Whether each row is a unit of its own."""
        return self.exposures.unit == "row"

    def key(self) -> exp.Expr:
        """The unit's id, or the row's number."""
        if self.by_row:
            return tree("ROW_NUMBER() OVER ()")
        attribute = self.reading.attribute(self.exposures.unit, "exposures.unit")
        return identity(attribute, "r", as_number=self.ids_as_numbers)

    def at(self) -> exp.Expr:
        """The moment of exposure; null without `time`."""
        if self.exposures.time is None:
            return tree("CAST(NULL AS BIGINT)")
        return moment_of(self.reading, self.exposures.time, "r", "exposures.time")

    def rank(self) -> exp.Expr:
        """The place of the row's variant in the plan; null where it is none of them."""
        attribute = self.reading.attribute(self.exposures.variant, "exposures.variant")
        places = {variant.key: place for place, variant in enumerate(self.plan.variants)}
        labels = self.exposures.variants or {key: key for key in places}
        return choice(
            (labelled(attribute, label), whole(places[key])) for label, key in labels.items() if key in places
        )

    def label(self) -> exp.Expr:
        """What stands in the variant column; null where nothing does."""
        attribute = self.reading.attribute(self.exposures.variant, "exposures.variant")
        return tree("NULLIF(:label, '')", label=attribute.written("r"))


def moment_of(reading: Reading, name: str, alias: str, wanted: str) -> exp.Expr:
    """A time column in microseconds since 1970 UTC.

    Raises:
        DataError: The column holds numbers or something else that is no time.
    """
    attribute = reading.attribute(name, wanted)
    if attribute.kind is Kind.NUMBER:
        raise DataError(
            f"{reading.key}: the column {name!r}, which {wanted} names, holds numbers, and whether they "
            "count seconds, milliseconds or something else cannot be seen; "
            "write times like 2026-11-22T18:30:00Z"
        )
    if attribute.kind is Kind.BOOLEAN:
        raise DataError(
            f"{reading.key}: the column {name!r}, which {wanted} names, holds true and false; name a time"
        )
    return attribute.moment(alias, reading.timezone)
