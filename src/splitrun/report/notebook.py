"""A readout as notebooks and people see it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import pyarrow as pa

from splitrun.errors import SplitrunError
from splitrun.judge.readout import Readout
from splitrun.report.form import form, written
from splitrun.report.html import html
from splitrun.report.markdown import markdown
from splitrun.report.page import page
from splitrun.report.table import table
from splitrun.report.text import text

if TYPE_CHECKING:  # neither is a dependency: who asks for a frame has the library already
    import pandas as pd
    import polars as pl

__all__ = ["Shown", "shown"]


@dataclass(frozen=True, slots=True, repr=False)
class Shown(Readout):
    """A readout that knows how to show itself; compared by value like any readout."""

    def __repr__(self) -> str:
        return text(self)

    def _repr_html_(self) -> str:
        return html(self)

    def _repr_markdown_(self) -> str:
        return markdown(self)

    def to_html(self) -> str:
        """A page that stands by itself: no script, nothing fetched."""
        return page(self)

    def to_markdown(self) -> str:
        """Markdown in GitHub's flavour."""
        return markdown(self)

    def to_dict(self) -> dict[str, object]:
        """The documented JSON form, as Python values."""
        return form(self)

    def to_json(self) -> str:
        """The documented JSON form, as text."""
        return written(self)

    def to_arrow(self) -> pa.Table:
        """One row per comparison."""
        return table(self)

    def to_polars(self) -> pl.DataFrame:
        """One row per comparison.

        Raises:
            SplitrunError: Polars is not installed.
        """
        frame: pl.DataFrame = library("polars").from_arrow(table(self))
        return frame

    def to_pandas(self) -> pd.DataFrame:
        """One row per comparison.

        Raises:
            SplitrunError: Pandas is not installed.
        """
        library("pandas")
        frame: pd.DataFrame = table(self).to_pandas()
        return frame


def shown(readout: Readout) -> Shown:
    """Give a readout the means to show itself."""
    return Shown(**{field.name: getattr(readout, field.name) for field in fields(readout)})


def library(name: str) -> ModuleType:
    """Load a data frame library that is no dependency of ours."""
    try:
        return import_module(name)
    except ImportError as missing:
        raise SplitrunError(
            f"{name} is not installed, so there is no {name} frame; "
            f"install it with `pip install {name}`, or take to_arrow() or to_dict()"
        ) from missing
