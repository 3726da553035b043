"""How many exposures are there before a plan is sealed, counted by the engine that will read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from splitrun.errors import DataError, EngineError
from splitrun.measure.engines.duckdb import DuckDB
from splitrun.measure.engines.files import found
from splitrun.spec.plan import Plan
from splitrun.spec.source import EXPOSURES, Rows

__all__ = ["Exposed", "exposed"]

FILES = {"csv", "parquet"}


@dataclass(frozen=True, slots=True)
class Exposed:
    """What there is."""

    rows: int | None
    """None: they could not be looked at."""
    why: str = ""
    """Why they could not."""


def exposed(plan: Plan, root: Path, database: Path | None = None) -> Exposed:
    """Count the rows of exposures that a plan names.

    Args:
        plan: What is to be registered.
        root: The project's folder, from which paths start.
        database: A DuckDB file whose tables `table` and `query` may name.

    Returns:
        Nothing there is 0: the plan names none, a file that is not there yet, or one with a header alone.

    Raises:
        DataError: A file is there and cannot be read.
        EngineError: A file lies where none may be read.
    """
    rows: Rows | None = plan.exposures or plan.moments
    if rows is None:
        return Exposed(0)
    if rows.form == "frame":
        return Exposed(None, "a data frame that is handed over from Python cannot be looked at beforehand")
    if rows.form not in FILES:
        return of_database(rows, root, database)
    if not there(rows, root) or header_alone(rows, root):
        return Exposed(0)
    return Exposed(counted(rows, root, None))


def folders(root: Path) -> tuple[Path, ...]:
    """Where paths start from: the project's folder, then that of its experiments."""
    return root, root / "experiments"


def there(rows: Rows, root: Path) -> bool:
    """Whether there is a file of this name, or one that the pattern matches.

    Raises:
        EngineError: It lies where none may be read.
    """
    try:
        return bool(found(EXPOSURES, rows.where, folders(root), many=rows.form == "parquet"))
    except DataError:
        return False


def header_alone(rows: Rows, root: Path) -> bool:
    """Whether a CSV file waits for its first row; one without even a header is told when it is read."""
    if rows.form != "csv":
        return False
    with found(EXPOSURES, rows.where, folders(root))[0].open("rb") as file:
        return bool(file.readline().strip()) and not any(line.strip() for line in file)


def of_database(rows: Rows, root: Path, database: Path | None) -> Exposed:
    """Count rows of a table or a query."""
    if rows.form == "table" and database is None:
        return Exposed(None, f"{rows.form} {rows.where!r} is in a database; name it with --database")
    try:
        return Exposed(counted(rows, root, database))
    except (DataError, EngineError) as error:
        return Exposed(None, str(error))


def counted(rows: Rows, root: Path, database: Path | None) -> int:
    """Load the rows, and count them."""
    with DuckDB(roots=folders(root), database=database) as engine:
        return engine.load({EXPOSURES: rows})[EXPOSURES].rows
