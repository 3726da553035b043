"""Amounts of change, of time and of units, as people write them: `1%`, `1pp`, `0.5`, `7d`."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from splitrun.spec.model import Model

__all__ = [
    "Change",
    "Portion",
    "Share",
    "Size",
    "Window",
    "exact",
    "told_window",
    "written_share",
    "written_window",
]

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
AMOUNT = re.compile(r"([+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?)(%|pp)")
SPAN = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
PORTION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)(%|ppm)")
LONGEST = timedelta(days=3660)
MOST = 10
"""A relative change beyond 1000% is a slip of the pen."""


class Size(Model):
    """How much a metric may or must move: relative to control, or in the metric's own unit."""

    value: Annotated[float, Field(gt=0)]
    """As a fraction where relative (1% is 0.01), else in the metric's unit (1pp is 0.01); above zero."""
    relative: bool

    @property
    def written(self) -> str:
        """As a person writes it: `1%` where relative, else a plain number."""
        return f"{self.value * 100:g}%" if self.relative else f"{self.value:g}"


def read_size(written: object) -> object:
    """Read `1%` as relative and `1pp` or a plain number as absolute; refuse what is neither."""
    form = "write 1% (relative to control), 1pp or a plain number (absolute)"
    match written:
        case bool() | None | tuple() | list():
            raise ValueError(f"{shown(written)} is no amount; {form}")
        case int() | float():
            value, relative = float(written), False
        case str():
            found = AMOUNT.fullmatch(written.strip())
            if not found:
                raise ValueError(f"{written[:40]!r} is no amount; {form}")
            value, relative = float(Decimal(found[1]) / 100), found[2] == "%"
        case _:
            return written
    if value <= 0:
        raise ValueError(f"{written} is not above zero; write the size alone, the direction stands elsewhere")
    if relative and value > MOST:
        raise ValueError(f"{written} is more than {MOST} times control; {form}")
    return {"value": value, "relative": relative}


def read_window(written: object) -> object:
    """Read `7d` as a span of time; what is no such text is refused."""
    form = "write a whole number with m, h, d or w, like 7d"
    match written:
        case str():
            found = SPAN.fullmatch(written.strip())
            if not found:
                raise ValueError(f"{written[:40]!r} is no span of time; {form}")
            span = timedelta(**{UNITS[found[2]]: int(found[1])})
        case timedelta():
            span = written
        case _:
            raise ValueError(f"{shown(written)} is no span of time; {form}")
    if span > LONGEST:
        raise ValueError(f"{written_window(span)} is longer than ten years; write a shorter span")
    return span


def read_portion(written: object) -> object:
    """Read `50%`, `100ppm` or 0.5 as a share of units above 0 and at most 1."""
    form = "write a share above 0% and at most 100%, like 50%"
    match written:
        case bool() | None | tuple() | list() | dict():
            raise ValueError(f"{shown(written)} is no share of units; {form}")
        case int() | float():
            value = float(written)
        case _:
            found = PORTION.fullmatch(str(written).strip())
            if not found:
                raise ValueError(f"{str(written)[:40]!r} is no share of units; {form}")
            value = float(Decimal(found[1]) / (100 if found[2] == "%" else 1_000_000))
    if not 0 < value <= 1:
        raise ValueError(f"{written} is no share of units; {form}")
    return value


def read_share(written: object) -> object:
    """Read `50%`, `100ppm` or 0.5 as an exact share from 0 to 1; what was read already stays."""
    form = "write a share from 0% to 100%, like 50%"
    match written:
        case Fraction():
            value = written
        case bool() | None | tuple() | list() | dict():
            raise ValueError(f"{shown(written)} is no share; {form}")
        case int() | float():
            value = exact(written)
        case _:
            found = PORTION.fullmatch(str(written).strip())
            if not found:
                raise ValueError(f"{str(written)[:40]!r} is no share; {form}")
            value = Fraction(found[1]) / (100 if found[2] == "%" else 1_000_000)
    if not 0 <= value <= 1:
        raise ValueError(f"{written} is no share; {form}")
    return value


def exact(portion: float) -> Fraction:
    """Give a number as the decimal fraction that a person wrote: 0.1 is 1/10, not the double nearest to it.

    The shortest decimal that reads back as the same double is what was written, up to 15 significant digits.
    """
    return Fraction(repr(portion))


def written_share(share: Fraction) -> str:
    """Write a share the way it is read, rounded to a millionth of a percent."""
    return f"{float(share * 100):.6f}".rstrip("0").rstrip(".") + "%"


def shown(written: object) -> str:
    """Name a value that is of no use here."""
    match written:
        case None:
            return "nothing"
        case bool():
            return str(written).lower()
        case tuple() | list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return str(written)


def written_window(span: timedelta) -> str:
    """Write a span the way it is read, in the largest unit that divides it."""
    minutes = int(span.total_seconds()) // 60
    size, unit = next(
        (size, unit) for size, unit in ((1440, "d"), (60, "h"), (1, "m")) if minutes % size == 0
    )
    return f"{minutes // size}{unit}"


def told_window(span: timedelta) -> str:
    """Tell a span in days, hours and minutes, like `14d 1m`; up to two days as it is written."""
    if span <= timedelta(days=2):
        return written_window(span)
    minutes = int(span.total_seconds()) // 60
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "m"))
    return " ".join(f"{number}{unit}" for number, unit in parts if number)


Change = Annotated[
    Size,
    BeforeValidator(read_size),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(%|pp)$"},
            ],
            "description": "1% is relative to control, 1pp and plain numbers are absolute",
        },
        mode="validation",
    ),
]
"""A `Size` as people write it."""

Window = Annotated[
    timedelta,
    BeforeValidator(read_window),
    PlainSerializer(written_window, when_used="json"),
    WithJsonSchema(
        {"type": "string", "pattern": r"^[1-9][0-9]{0,5}[mhdw]$", "description": "a span of time, like 7d"},
        mode="validation",
    ),
]
"""A span of time as people write it, like 7d."""

Portion = Annotated[
    float,
    BeforeValidator(read_portion),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(%|ppm)$"},
            ],
            "description": "a share of units, like 50%",
        },
        mode="validation",
    ),
]
"""A share of units as people write it."""

Share = Annotated[
    Fraction,
    BeforeValidator(read_share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(%|ppm)$"},
            ],
            "description": "an exact share from 0% to 100%, like 50%, 100ppm or 0.5",
        },
        mode="validation",
    ),
]
"""An exact share of units, from none to all, as people write it."""
