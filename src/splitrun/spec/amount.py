"""Amounts of change and of time, as people write them: `1%`, `1pp`, `0.5`, `7d`."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from splitrun.spec.model import Model

__all__ = ["Change", "Size", "Window", "written_window"]

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)(%|pp)")
SPAN = re.compile(r"([1-9][0-9]{0,5})([mhdw])")


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
    match written:
        case bool():
            raise ValueError(
                "write an amount like 1% (relative to control), 1pp or a plain number (absolute)"
            )
        case int() | float():
            return {"value": float(written), "relative": False}
        case str():
            found = AMOUNT.fullmatch(written.strip())
            if not found:
                raise ValueError(
                    f"{written!r} is no amount; "
                    "write 1% (relative to control), 1pp or a plain number (absolute)"
                )
            return {"value": float(Decimal(found[1]) / 100), "relative": found[2] == "%"}
        case _:
            return written


def read_window(written: object) -> object:
    """Read `7d` as a span of time; what is no such text is left to be refused."""
    match written:
        case str():
            found = SPAN.fullmatch(written.strip())
            if not found:
                raise ValueError(
                    f"{written!r} is no span of time; write a whole number with m, h, d or w, like 7d"
                )
            return timedelta(**{UNITS[found[2]]: int(found[1])})
        case timedelta():
            return written
        case _:
            raise ValueError(
                f"{written!r} is no span of time; write a whole number with m, h, d or w, like 7d"
            )


def written_window(span: timedelta) -> str:
    """Write a span the way it is read, in the largest unit that divides it."""
    minutes = int(span.total_seconds()) // 60
    size, unit = next(
        (size, unit) for size, unit in ((1440, "d"), (60, "h"), (1, "m")) if minutes % size == 0
    )
    return f"{minutes // size}{unit}"


Change = Annotated[Size, BeforeValidator(read_size)]
"""A `Size` as people write it."""

Window = Annotated[timedelta, BeforeValidator(read_window), PlainSerializer(written_window, when_used="json")]
"""A span of time as people write it, like 7d."""
