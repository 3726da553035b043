"""From a frame of known units, or a calendar, to an assignment table with its balance report."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv, parquet

from splitrun import __version__
from splitrun.conduct.designs.population import Frame, population, regions
from splitrun.conduct.desk import Desk
from splitrun.conduct.reading.access import Access
from splitrun.conduct.workspace import shown
from splitrun.errors import Mistake, Place, SpecError
from splitrun.plan.designs.assignment import Dealing, seed_for
from splitrun.plan.designs.assignment import assignment as dealt
from splitrun.plan.designs.design import EVERYWHERE, Switchback, read_design
from splitrun.plan.designs.form import assignment_form, own_columns, schedule_form, schedule_rows
from splitrun.plan.designs.switchback import Period, period_at, schedule
from splitrun.plan.designs.told import assignment_text, schedule_text
from splitrun.report.notebook import library

if TYPE_CHECKING:  # neither is a dependency: who asks for a frame has the library already
    import pandas as pd
    import polars as pl

__all__ = ["FORMS", "Assigned", "assignment", "free"]

FORMS = (".csv", ".parquet")
"""How an assignment table's file may end."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Assigned:
    """An assignment table with its report."""

    table: pa.Table
    """A row per unit, or per region and period, in the order of the frame; fit to be the exposures of an
    experiment."""
    report: Mapping[str, object]
    """The documented JSON form `splitrun.assignment/1`."""
    says: str
    """The report in words."""
    periods: tuple[Period, ...] = ()
    """Of a switchback schedule."""

    def __repr__(self) -> str:
        return self.says

    def period_at(self, region: str, at: datetime) -> Period | None:
        """Tell which period of a switchback schedule an instant lies in; none outside of all."""
        return period_at(self.periods, region, at)

    def to_dict(self) -> dict[str, object]:
        """The documented JSON form, as Python values."""
        return dict(self.report)

    def to_json(self) -> str:
        """The documented JSON form, as text."""
        return json.dumps(self.report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_arrow(self) -> pa.Table:
        """The assignment table."""
        return self.table

    def to_polars(self) -> pl.DataFrame:
        """The assignment table.

        Raises:
            SplitrunError: Polars is not installed.
        """
        frame: pl.DataFrame = library("polars").from_arrow(self.table)
        return frame

    def to_pandas(self) -> pd.DataFrame:
        """The assignment table.

        Raises:
            SplitrunError: Pandas is not installed.
        """
        library("pandas")
        frame: pd.DataFrame = self.table.to_pandas()
        return frame

    def write(self, path: str | PathLike[str], *, force: bool = False) -> tuple[str, ...]:
        """Write the table as CSV or Parquet, and the report beside it with the ending .json.

        Args:
            path: Where the table goes.
            force: Write over files of these names.

        Returns:
            The names of both files.

        Raises:
            SpecError: A file is there already, or nothing can be written; then nothing was.
        """
        target = Path(path)
        free(target, force=force)
        return written({target: self._written(target.suffix.lower()), beside(target): self._report_to})

    def _written(self, form: str) -> Callable[[Path], None]:
        def as_csv(place: Path) -> None:
            csv.write_csv(self.table, place)

        def as_parquet(place: Path) -> None:
            parquet.write_table(self.table, place)

        return as_csv if form == ".csv" else as_parquet

    def _report_to(self, place: Path) -> None:
        place.write_text(self.to_json(), encoding="utf-8")


def assignment(
    frame: object = None, *, access: Access | None = None, desk: Desk | None = None, **options: object
) -> Assigned:
    """Deal the units of a frame to variants, or periods to variants, by a design.

    Args:
        frame: A CSV or Parquet file, or a data frame (pandas, Polars, Arrow, a DuckDB relation, an Ibis
            table) with a row per unit; a switchback schedule may do without one.
        access: The engine's limits.
        desk: Whom to tell of progress.
        **options: `design` (simple, blocked, cluster, switchback, salt-search), `key` or `seed`, `unit`,
            `variants` with weights, `covariates`, and what the design takes; docs/designs.md lists them.

    Raises:
        SpecError: An option cannot be taken; all mistakes.
        DataError: The frame cannot be read or does not fit the design.
        EngineError: The engine refused, or needed more than it may use.
    """
    table, allowed = desk or Desk(), access or Access()
    design = read_design({name: plain(value) for name, value in options.items() if value is not None})
    match design:
        case Switchback():
            return scheduled(frame, design, allowed, table)
        case _:
            return assigned(frame, design, allowed, table)


def plain(value: object) -> object:
    """A moment as text; all else as it is."""
    match value:
        case datetime():
            return value.isoformat()
        case _:
            return value


def assigned(frame: object, design: Dealing, access: Access, desk: Desk) -> Assigned:
    """Deal the units of a frame.

    Raises:
        DataError: The frame cannot be read or does not fit the design.
    """
    desk.progress("reading the frame")
    found = population(frame, design, access)
    desk.progress("dealing")
    made = dealt(design, found.roster)
    own = own_columns(made)
    return Assigned(tabled(found, own), assignment_form(made, __version__), assignment_text(made))


def tabled(found: Frame, own: Mapping[str, list[str]]) -> pa.Table:
    """Units, what they were dealt, and the columns that the design used."""
    table = found.kept
    for place, (name, cells) in enumerate(own.items(), start=1):
        table = table.add_column(place, name, pa.array(cells, pa.string()))
    return table


def scheduled(frame: object, design: Switchback, access: Access, desk: Desk) -> Assigned:
    """Deal the periods of every region.

    Raises:
        SpecError: A frame without a column of regions, or a column without a frame.
        DataError: The frame cannot be read.
    """
    if (frame is None) is not (design.unit is None):
        says = "a frame is given and no column of regions" if design.unit is None else "no frame is given"
        remedy = "write `unit`, the column with the regions, and name the frame that has it; or neither"
        raise SpecError([Mistake(says, remedy, "unit")])
    desk.progress("reading the frame")
    named = (EVERYWHERE,) if design.unit is None else regions(frame, design.unit, access)
    desk.progress("dealing")
    seed = seed_for(design)
    made = schedule(design, named, seed)
    return Assigned(
        table=pa.Table.from_pylist(schedule_rows(made)),
        report=schedule_form(design, made, seed, __version__),
        says=schedule_text(design, made, seed),
        periods=made.periods,
    )


def beside(target: Path) -> Path:
    """The report's file: of the same name, with the ending .json."""
    return target.with_suffix(".json")


def free(target: Path, *, force: bool = False, frame: Path | None = None) -> None:
    """Look whether a table and its report can be written there, before any work is done.

    Args:
        target: Where the table goes.
        force: Files of these names may be written over.
        frame: The file that is read, which is never written over.

    Raises:
        SpecError: The ending is not known, the folder is not there, or a file is.
    """
    place = Place(shown(target), 1, 1)
    if frame is not None and target.resolve() == frame.resolve():
        says = "this is the frame itself, which is never written over"
        raise SpecError([Mistake(says, "choose another name", place=place)])
    if target.suffix.lower() not in FORMS:
        says = f"a table cannot be written in the form {target.suffix or 'without an ending'!r}"
        raise SpecError([Mistake(says, f"let its name end in {' or '.join(FORMS)}", place=place)])
    if not target.parent.is_dir():
        says = f"there is no folder {shown(target.parent)}"
        raise SpecError([Mistake(says, "make it, or choose another", place=place)])
    mistakes = [
        Mistake(
            "this file is there already; nothing was written",
            "choose another name, or write over it with --force",
            place=Place(shown(path), 1, 1),
        )
        for path in (target, beside(target))
        if path.exists() and not (force and path.is_file())
    ]
    if mistakes:
        raise SpecError(mistakes)


def written(files: Mapping[Path, Callable[[Path], None]]) -> tuple[str, ...]:
    """Write files whole or not at all: beside their places first, then into them.

    Raises:
        SpecError: The folder cannot be written.
    """
    parts = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in files}
    try:
        try:
            for path, write in files.items():
                write(parts[path])
            for path, part in parts.items():
                part.replace(path)
        finally:
            for part in parts.values():
                part.unlink(missing_ok=True)
    except OSError as error:
        says = f"nothing can be written here ({error.strerror or error})"
        place = Place(shown(next(iter(files))), 1, 1)
        raise SpecError([Mistake(says, "choose a folder that can be written", place=place)]) from None
    return tuple(shown(path) for path in files)
