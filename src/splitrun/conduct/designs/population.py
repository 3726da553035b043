"""A frame of known units, read by the engine that reads exposures, so that both mean the same by a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlglot import exp

from splitrun.conduct.reading.access import Access
from splitrun.errors import DataError, Mistake, SpecError
from splitrun.measure.engine import Loaded
from splitrun.measure.engines.duckdb import DuckDB, Limits
from splitrun.measure.kinds import Attribute, Reading, read
from splitrun.measure.sql import Work, relation, select
from splitrun.plan.designs.assignment import Dealing, strata_of
from splitrun.plan.designs.design import Cluster
from splitrun.plan.designs.roster import Roster, roster, whole_ids
from splitrun.spec.source import ROW, Rows
from splitrun.terms.tree import Kind

__all__ = ["Frame", "population", "regions"]

NAME = "frame"
"""How messages call the frame."""
OWN = ("variant", "stratum")
"""Columns that a design adds."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A population, and the columns of its frame that the assignment table keeps."""

    roster: Roster
    kept: pa.Table
    """The unit's id and the columns that the design names, in the order of the frame."""


def population(frame: object, design: Dealing, access: Access) -> Frame:
    """Read the units of a frame and the columns that a design names.

    Raises:
        DataError: The frame cannot be read, a column is not there, or the ids do not name units.
        SpecError: No frame was given, or a column has the name of one that the design adds.
    """
    labelled = list(strata_of(design))
    match design:
        case Cluster(cluster=cluster):
            labelled.insert(0, cluster)
        case _:
            pass
    named = [*labelled, *design.covariates]
    for name in named:
        if name in OWN or name == design.unit:
            says = f"the column {name!r} has the name of one that the assignment adds"
            raise SpecError([Mistake(says, "rename it in the frame")])
    cells, loaded, reading = cells_of(frame, named if design.unit == ROW else [design.unit, *named], access)
    numeric = [name for name in design.covariates if figures(reading.attributes[name])]
    texts = [*labelled, *(name for name in design.covariates if name not in numeric)]
    ids: list[str | None] = [str(row) for row in range(1, loaded.rows + 1)]
    if design.unit != ROW:
        ids = cells[f"i:{design.unit}"].to_pylist()
    return Frame(
        roster(
            ids,
            {name: cells[f"t:{name}"].to_pylist() for name in texts},
            {name: cells[f"n:{name}"].to_pylist() for name in numeric},
        ),
        pa.Table.from_arrays(
            [
                pa.chunked_array([pa.array(ids, pa.string())]),
                *(kept(cells, reading.attributes[name]) for name in named),
            ],
            names=[design.unit, *named],
        ),
    )


def figures(covariate: Attribute) -> bool:
    """Whether a covariate holds numbers.

    Raises:
        DataError: Numbers, and texts among them.
    """
    if covariate.kind is Kind.NUMBER and covariate.strays:
        examples = ", ".join(repr(each) for each in covariate.examples)
        raise DataError(
            f"the column {covariate.name!r} holds numbers and {covariate.strays:,} texts ({examples}); write "
            "numbers alone, and leave cells empty where nothing is known"
        )
    return covariate.kind is Kind.NUMBER


def kept(cells: pa.Table, attribute: Attribute) -> pa.ChunkedArray[Any]:
    """A column as the table keeps it: whole numbers, numbers or text."""
    if attribute.whole:
        return cells[f"t:{attribute.name}"].cast(pa.int64())
    return cells[f"{'n' if attribute.kind is Kind.NUMBER else 't'}:{attribute.name}"]


def regions(frame: object, name: str, access: Access) -> tuple[str, ...]:
    """The regions in a column of a frame, each once.

    Raises:
        DataError: The frame cannot be read, or a region has no name.
    """
    cells, _, _ = cells_of(frame, [name], access)
    return tuple(sorted(whole_ids(list(dict.fromkeys(cells[f"i:{name}"].to_pylist())))))


def cells_of(frame: object, names: Sequence[str], access: Access) -> tuple[pa.Table, Loaded, Reading]:
    """Columns of a frame in its order: `i:` as ids, `t:` as text, `n:` as numbers.

    Raises:
        DataError: The frame cannot be read, or a column is not there.
        SpecError: It is no frame.
    """
    rows, roots, frames = rows_of(frame)
    limits = Limits(memory=access.memory, threads=1, seconds=access.seconds)  # one thread keeps the order
    with DuckDB(roots=roots, frames=frames, limits=limits) as engine:
        loaded = engine.load({NAME: rows})[NAME]
        if loaded.quarantined:
            listed = ", ".join(str(line) for line in loaded.lines)
            raise DataError(
                f"{loaded.quarantined:,} rows of the frame cannot be read (lines {listed or 'unknown'}), so "
                "their units would get no variant; mend them"
            )
        work = Work(engine)
        reading = read(work, NAME, loaded, names, "UTC")
        columns: list[tuple[str, exp.Expr]] = []
        for name in names:
            one = reading.attribute(name, "the design")
            columns += [
                (f"i:{name}", one.identity("r")),
                (f"t:{name}", one.written("r")),
                (f"n:{name}", one.number("r")),
            ]
        if not columns:
            return pa.table({}), loaded, reading
        return work.ask("the frame", select(columns, relation(loaded.relation, "r"))), loaded, reading


def rows_of(frame: object) -> tuple[Rows, tuple[Path, ...], dict[str, object]]:
    """Where the rows of a frame are: in a file, or in memory.

    Raises:
        SpecError: Nothing was given, or a file of another form.
    """
    match frame:
        case None:
            says = "no frame is given, so there are no units to deal"
            raise SpecError([Mistake(says, "name a CSV or Parquet file with a row per unit")])
        case str() | PathLike():
            path = Path(frame)
            forms = {".csv": "csv", ".gz": "csv", ".tsv": "csv", ".parquet": "parquet"}
            form = forms.get(path.suffix.lower())
            if form is None:
                says = f"{str(path)!r} ends in {path.suffix or 'nothing'!r}"
                raise SpecError([Mistake(says, "name a file that ends in .csv, .csv.gz or .parquet")])
            return Rows.model_validate({form: path.name}), (path.resolve().parent,), {}
        case _:
            return Rows(frame=NAME), (), {NAME: frame}
