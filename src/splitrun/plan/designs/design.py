"""The designs a caller may ask for, and what each can be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from splitrun.errors import Mistake, SpecError
from splitrun.spec.amount import Window
from splitrun.spec.model import Choice, Column, Key, Model
from splitrun.spec.reading import checked, plain
from splitrun.spec.source import ROW
from splitrun.spec.written.document import Document
from splitrun.spec.written.fields import suggested

__all__ = [
    "CONTROL", "DESIGNS", "Blocked", "Cluster", "Cycle", "Design", "Draw", "Population", "SaltSearch",
    "Score", "Simple", "Small", "Switchback", "read_design",
]  # fmt: skip

CONTROL = "control"
MOST_SEED = 2**53 - 1
"""JSON readers hold numbers as 64-bit floats; a larger seed would not come back as it was."""
MOST_WEIGHT = 1_000_000
MOST_CANDIDATES = 10_000
MOST_PERIODS = 100_000
EVERYWHERE = "all"
"""The region of a schedule that was given none."""


class Draw(Choice):
    """How a simple design draws."""

    EXACT = "exact"
    HASH = "hash"


class Small(Choice):
    """What becomes of strata with fewer members than there are variants."""

    POOL = "pool"
    KEEP = "keep"
    REFUSE = "refuse"


class Score(Choice):
    """What a salt search makes small."""

    LARGEST = "largest"
    MAHALANOBIS = "mahalanobis"


class Cycle(Choice):
    """What repeats in time, so that every part of it should see each variant equally often."""

    DAY = "day"
    WEEK = "week"
    NONE = "none"


def control_first(variants: dict[str, int]) -> dict[str, int]:
    """Order variants as rulesets deal slots: control, then the treatments as written."""
    return {key: variants[key] for key in sorted(variants, key=lambda key: key != CONTROL)}


Weight = Annotated[int, Field(ge=1, le=MOST_WEIGHT)]


class Drawn(Model):
    """What every design is told."""

    key: Key | None = None
    """The experiment's key; the seed is drawn from it where none is written."""
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] | None = None
    """Where the draw begins; the same seed gives the same assignment."""
    variants: Annotated[dict[Key, Weight], Field(min_length=2), AfterValidator(control_first)] = Field(
        default_factory=lambda: {CONTROL: 1, "treatment": 1}
    )
    """Variants with their weights; one of them is `control`, which is taken first."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if CONTROL not in self.variants:
            listed = ", ".join(self.variants)
            raise ValueError(
                f"no variant is `control` among {listed}; name the one compared against `control`"
            )
        if self.key is None and self.seed is None:
            raise ValueError(
                "neither `key` nor `seed` is written, so two experiments would draw the same assignment; "
                "write the experiment's key, or a seed"
            )
        return self


class Population(Drawn):
    """A design over units that stand in a frame."""

    unit: Column
    """The column with the unit's id, or `row` where each row is a unit of its own."""
    covariates: tuple[Column, ...] = ()
    """Columns known beforehand whose balance is reported."""


class Simple(Population):
    """Every unit by itself: exact counts, or by hash as online."""

    design: Literal["simple"] = "simple"
    draw: Draw = Draw.EXACT
    """`exact` deals exact counts; `hash` gives the variants that clients give online, whose counts vary."""
    salt: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    """The salt of `hash`; none: `variant:KEY:1`."""

    @model_validator(mode="after")
    def _salted(self) -> Self:
        if self.draw is Draw.EXACT and self.salt is not None:
            raise ValueError(f"a salt ({self.salt!r}) says nothing to an exact draw; write `draw: hash`")
        if self.draw is Draw.HASH and self.salt is None and self.key is None:
            raise ValueError("a draw by hash needs a salt; write `salt`, or the experiment's key")
        return self


class Blocked(Population):
    """Exact counts inside each stratum, and over all."""

    design: Literal["blocked"] = "blocked"
    strata: Annotated[tuple[Column, ...], Field(min_length=1)]
    """Columns whose values, crossed, are the strata; a missing value is a value of its own."""
    small: Small = Small.POOL
    """What becomes of strata with fewer units than variants: pooled into one, kept, or refused."""


class Cluster(Population):
    """Whole clusters get a variant."""

    design: Literal["cluster"] = "cluster"
    cluster: Column
    """The column that names what stays together."""
    strata: tuple[Column, ...] = ()
    """Columns of the cluster, the same in all its units, within whose values counts of clusters are exact."""
    small: Small = Small.POOL
    """What becomes of strata with fewer clusters than variants: pooled into one, kept, or refused."""


class SaltSearch(Population):
    """By hash as online, under the salt out of many that balances the covariates best."""

    design: Literal["salt-search"] = "salt-search"
    covariates: Annotated[tuple[Column, ...], Field(min_length=1)]
    """Columns known beforehand that are to be balanced."""
    version: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """The experiment's version, which is in the salt."""
    candidates: Annotated[int, Field(ge=2, le=MOST_CANDIDATES)] = 100
    """How many salts are tried."""
    score: Score = Score.LARGEST
    """What is made small: the largest absolute standardised difference, or the Mahalanobis distance."""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.key is None:
            raise ValueError("the salts hold the experiment's key, and none is written; write `key`")
        return self


def zone(name: str) -> str:
    """Refuse what is no time zone."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"{name[:60]!r} is no time zone; write a name like Europe/Berlin or UTC") from None
    return name


def moment(written: object) -> object:
    """Read a moment in ISO 8601; what is no such text is refused."""
    match written:
        case datetime():
            return written
        case str():
            try:
                return datetime.fromisoformat(written)
            except ValueError:
                pass
        case _:
            pass
    raise ValueError(f"{written!r:.60} is no moment; write it like 2026-12-07T00:00")


class Switchback(Drawn):
    """Regions switch between variants period by period."""

    design: Literal["switchback"] = "switchback"
    unit: Column | None = None
    """The column of the frame with the regions; none where there is no frame, and all is one region."""
    start: Annotated[datetime, BeforeValidator(moment), PlainSerializer(datetime.isoformat, when_used="json")]
    """When the first period begins; without an offset, on the clock of `zone`."""
    zone: Annotated[str, AfterValidator(zone)]
    """The time zone on whose clock periods are cut."""
    period: Window
    """How long a period lasts."""
    periods: Annotated[int, Field(ge=2, le=MOST_PERIODS)]
    """How many there are."""
    burn_in: Window | None = None
    """How long after a switch nothing is counted, because the old variant still shows."""
    cycle: Cycle = Cycle.WEEK
    """What each variant should see equally often in every part: the hours of a day, or of a week."""
    most_in_row: Annotated[int, Field(ge=1)] | None = None
    """How many periods in a row may have the same variant."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.burn_in is not None and self.burn_in >= self.period:
            raise ValueError(
                f"a burn-in of {self.burn_in} leaves nothing of a period of {self.period}; "
                "write a shorter burn-in, or longer periods"
            )
        if self.most_in_row is not None and len(set(self.variants.values())) > 1:
            listed = ", ".join(f"{key} {weight}" for key, weight in self.variants.items())
            raise ValueError(
                f"`most_in_row` with unequal weights ({listed}) would bend every period's chances; "
                "give all variants the same weight, or take it out"
            )
        return self

    @property
    def burnt(self) -> timedelta:
        """The burn-in; nothing where none is written."""
        return self.burn_in or timedelta(0)


Design: TypeAlias = Simple | Blocked | Cluster | Switchback | SaltSearch

DESIGNS: dict[str, type[Simple | Blocked | Cluster | Switchback | SaltSearch]] = {
    "simple": Simple,
    "blocked": Blocked,
    "cluster": Cluster,
    "switchback": Switchback,
    "salt-search": SaltSearch,
}
"""Every design by its name."""


def read_design(said: Mapping[str, object]) -> Design:
    """Read what a caller said: `design` and its options.

    Raises:
        SpecError: All mistakes.
    """
    mistakes: list[Mistake] = []
    value = plain(said, (), mistakes, [0])
    if mistakes:
        raise SpecError(mistakes)
    name = str(said.get("design", "simple"))
    if name not in DESIGNS:
        raise SpecError([Mistake(f"there is no design {name!r}", suggested(name, DESIGNS), "design")])
    mistakes += foreign(said, name)
    if mistakes:
        raise SpecError(mistakes)
    read: Design = checked(DESIGNS[name], Document("design", value)).value
    match read:
        case Switchback():
            return read
        case _ if len(set(columns(read))) < len(columns(read)):
            twice = sorted({name for name in columns(read) if columns(read).count(name) > 1})
            says = f"the column {twice[0]!r} is named twice"
            raise SpecError([Mistake(says, "name each column for one purpose; strata are reported anyway")])
        case _:
            return read


def foreign(said: Mapping[str, object], design: str) -> Iterator[Mistake]:
    """Name what is said to a design that only others take."""
    for option in said:
        takes = [name for name, kind in DESIGNS.items() if option in kind.model_fields]
        if takes and design not in takes:
            says = f"the design {design!r} takes no `{option}`"
            yield Mistake(says, f"take it out, or choose the design {' or '.join(takes)}", option)


def columns(design: Simple | Blocked | Cluster | SaltSearch) -> list[str]:
    """The columns a design names, the unit's first."""
    own = [] if design.unit == ROW else [design.unit]
    match design:
        case Blocked(strata=strata):
            return [*own, *strata, *design.covariates]
        case Cluster(cluster=cluster, strata=strata):
            return [*own, cluster, *strata, *design.covariates]
        case Simple() | SaltSearch():
            return [*own, *design.covariates]
