"""A forecast as notebooks and people see it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

from splitrun.plan.power.forecast import Forecast
from splitrun.report.forecast.form import form
from splitrun.report.forecast.text import text

__all__ = ["ShownForecast", "shown"]


@dataclass(frozen=True, slots=True, repr=False)
class ShownForecast(Forecast):
    """A forecast that knows how to show itself; compared by value like any forecast."""

    def __repr__(self) -> str:
        return text(self)

    def to_text(self, *, width: int = 100) -> str:
        """Plain text of so many columns, at least 80."""
        return text(self, width=width)

    def to_dict(self) -> dict[str, object]:
        """The documented JSON form, as Python values."""
        return form(self)

    def to_json(self) -> str:
        """The documented JSON form, as text."""
        return json.dumps(form(self), indent=2, ensure_ascii=False, allow_nan=False)


def shown(found: Forecast) -> ShownForecast:
    """Give a forecast the means to show itself."""
    return ShownForecast(**{field.name: getattr(found, field.name) for field in fields(found)})
