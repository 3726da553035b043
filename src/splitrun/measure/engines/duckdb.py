"""The embedded engine: DuckDB in this process, locked down before anything that a user wrote is run."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import duckdb
import pyarrow as pa
from sqlglot import exp

from splitrun.errors import DataError, EngineError
from splitrun.measure.engine import QUANTILES, ROWS, Field, Loaded, Shelf
from splitrun.measure.engines.files import Sheet, digest, found, sheet
from splitrun.measure.engines.frames import arrow
from splitrun.measure.engines.guard import checked
from splitrun.measure.engines.lake import LATE, laid
from splitrun.measure.engines.types import stored
from splitrun.spec.source import Rows

__all__ = ["DuckDB", "Limits"]

DATABASE = "attached_store"
"""The catalog under which a database file is attached."""

BATCH = 30 * 2048
"""Rows handed over at once: so few that a column of them stays in the processor's cache."""
LISTED_LINES = 10
"""How many lines of what was quarantined are named."""

OFFLOADED = "max_temp_directory_size"
"""Stands in what DuckDB says where the disk had no room for what does not fit into memory."""
SETTINGS = (
    "SET python_enable_replacements = false; SET enable_progress_bar = false; SET TimeZone = 'UTC';"
    # a Parquet file's smallest and largest value know nothing of NaN, and DuckDB 2.0 takes `x <= 5` and
    # even `NOT isnan(x)` for answered by them: a NaN would be added up; it costs no time to measure
    "SET disabled_optimizers = 'statistics_propagation'"
)
"""What every connection is told at its start."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a readout may use."""

    memory: str = "4GB"
    threads: int = 1
    """One thread adds up in the same order every time, so that the same files give the same bits."""
    seconds: float = 600.0
    """For one statement."""
    scratch: Path | None = None
    """Where intermediate rows are spilled when memory is short; a private folder where None."""


class DuckDB:
    """DuckDB over files within some folders, data frames and, read-only, one database file.

    Nothing outside the files that a plan names can be read, nothing can be written but scratch, and no
    setting can be changed once `load` has returned.
    """

    dialect = "duckdb"
    capabilities = frozenset({QUANTILES, ROWS, "regexp_matches", "semver"})

    def __init__(
        self,
        *,
        roots: Sequence[Path] = (),
        frames: Mapping[str, object] | None = None,
        database: Path | None = None,
        limits: Limits | None = None,
        lake: Mapping[str, Shelf] | None = None,
    ) -> None:
        self._roots = tuple(root.resolve() for root in roots)
        self._frames = dict(frames or {})
        self._limits = limits or Limits()
        self._lake = dict(lake or {})
        self._scratch = TemporaryDirectory(
            prefix="splitrun-", dir=self._limits.scratch, ignore_cleanup_errors=True
        )
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
                "memory_limit": self._limits.memory,
                "threads": self._limits.threads,
                "temp_directory": self._scratch.name,
            },
        )
        self._connection.execute(SETTINGS)
        self._tables: set[str] = set()
        self._inner: set[str] = set()
        self._named: set[str] = set()
        self._loaded = False
        self._sheets = 0
        if database is not None:
            try:
                self._attach(database)
            except (DataError, EngineError):
                self.close()
                raise

    def _attach(self, database: Path) -> None:
        if not database.is_file():
            raise DataError(f"there is no database {str(database)!r}; check its name")
        try:
            self._connection.execute(f"ATTACH {_literal(str(database.resolve()))} AS {DATABASE} (READ_ONLY)")
        except duckdb.Error as error:
            says = str(error).splitlines()[0]
            raise DataError(
                f"the database {str(database)!r} cannot be opened ({says}); name a whole DuckDB file "
                "of this version that is not being written"
            ) from None
        with self._guarded("listing the database's tables"):
            self._connection.execute(f"USE {DATABASE}")
            rows = self._connection.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $1 "
                "UNION SELECT schema_name, view_name FROM duckdb_views() "
                "WHERE database_name = $1 AND NOT internal",
                [DATABASE],
            ).fetchall()
        for schema, table in rows:
            self._tables |= {f"{schema}.{table}".lower(), f"{DATABASE}.{schema}.{table}".lower()}
            if schema == "main":
                self._tables |= {str(table).lower(), f"{DATABASE}.{table}".lower()}

    def load(self, sources: Mapping[str, Rows]) -> Mapping[str, Loaded]:
        """Make every source ready; files and frames first, then the doors are shut, then tables and queries.

        Raises:
            DataError: Something named is not there, is empty or cannot be read.
            EngineError: Something named may not be read, or a query was refused.
        """
        if self._loaded:
            raise EngineError("an engine serves one readout; make a new one for the next")
        self._loaded = True
        parquet: dict[str, tuple[Path, ...]] = {}
        lake = {key: self._of_lake(key) for key, rows in sources.items() if rows.form == "lake"}
        loaded: dict[str, Loaded] = {}
        for key, rows in sources.items():
            match rows.form:
                case "csv":
                    loaded[key] = self._csv(key, found(key, rows.where, self._roots)[0])
                case "parquet":
                    parquet[key] = found(key, rows.where, self._roots, many=True)
                case "frame":
                    self._connection.register(key, arrow(key, rows.where, self._frames))
                    loaded[key] = self._described(key, None)
                case _:
                    pass
        files = [Path(file) for shelf in lake.values() if shelf.rows is None for file in shelf.files]
        self._lock([*(path for paths in parquet.values() for path in paths), *files])
        for key, paths in parquet.items():
            loaded[key] = self._parquet(key, paths)
        loaded |= {key: self._shelf(key, shelf) for key, shelf in lake.items()}
        self._inner |= {key.lower() for key in loaded}
        for key, rows in sources.items():
            if rows.form in {"table", "query"}:
                loaded[key] = self._selected(key, rows)
                self._inner.add(key.lower())
        return {key: loaded[key] for key in sources}

    def run(self, sql: str) -> pa.Table:
        """Run one SELECT and give its rows.

        Raises:
            EngineError: The engine refused, ran out of its limits or was interrupted.
        """
        checked(sql, dialect=self.dialect, tables=self._tables | self._inner)
        with self._guarded("a query"):
            rows: pa.Table = self._connection.sql(sql).to_arrow_table()
            return rows

    def rows(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run one SELECT and give its rows batch by batch.

        Raises:
            EngineError: The engine refused, ran out of its limits or was interrupted.
        """
        checked(sql, dialect=self.dialect, tables=self._tables | self._inner)
        with self._guarded("a query"):
            reader = self._connection.sql(sql).to_arrow_reader(BATCH)
            try:
                yield from reader
            except OSError as error:
                raise _of_stream(str(error)) from None

    def keep(self, relation: str, sql: str) -> None:
        """Run one SELECT and keep its rows under a name.

        Raises:
            EngineError: The engine refused, ran out of its limits or was interrupted.
        """
        checked(sql, dialect=self.dialect, tables=self._tables | self._inner)
        with self._guarded("a query"):
            self._connection.execute(f"CREATE TEMP TABLE {_quoted(relation)} AS {sql}")
        self._inner.add(relation.lower())

    def name(self, relation: str, sql: str) -> None:
        """Give one SELECT a name; it is run anew wherever the name is used.

        Raises:
            EngineError: The engine refused.
        """
        checked(sql, dialect=self.dialect, tables=self._tables | self._inner)
        with self._guarded("a query"):
            self._connection.execute(f"CREATE TEMP VIEW {_quoted(relation)} AS {sql}")
        self._inner.add(relation.lower())
        self._named.add(relation)

    def extend(self, relation: str, sql: str) -> None:
        """Run one SELECT and add its rows to those kept under a name.

        Raises:
            EngineError: The engine refused, ran out of its limits or was interrupted.
        """
        checked(sql, dialect=self.dialect, tables=self._tables | self._inner)
        with self._guarded("a query"):
            self._connection.execute(f"INSERT INTO temp.{_quoted(relation)} {sql}")

    def forget(self, relation: str) -> None:
        """Let go of a name, and of the rows kept under it."""
        self._inner.discard(relation.lower())
        kind = "VIEW" if relation in self._named else "TABLE"
        self._named.discard(relation)
        self._connection.execute(f"DROP {kind} temp.{_quoted(relation)}")

    def close(self) -> None:
        """Let go of everything held."""
        self._connection.close()
        self._scratch.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lock(self, files: Sequence[Path]) -> None:
        listed = ", ".join(_literal(str(path)) for path in files)
        for statement in (
            f"SET allowed_paths = [{listed}]",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            self._connection.execute(statement)

    def _csv(self, key: str, path: Path) -> Loaded:
        known = sheet(key, path)
        columns = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in known.header)
        self._sheets += 1
        rejects, relation = f"_rejects_{self._sheets}", _quoted(key)
        with self._guarded(f"reading {path.name}", data=True):
            self._connection.execute(
                f"CREATE TEMP TABLE {relation} AS "  # noqa: S608  # every name and text is quoted
                f"SELECT * FROM read_csv({_literal(_unglobbed(path))}, auto_detect = false, "
                f"columns = {{{columns}}}, delim = {_literal(known.delimiter)}, quote = '\"', escape = '\"', "
                "header = true, nullstr = '', allow_quoted_nulls = true, null_padding = false, "
                f"store_rejects = true, rejects_table = '{rejects}', "
                f"rejects_scan = '{rejects}_scan', rejects_limit = 0)"
            )
            rejected = self._connection.execute(
                f"SELECT DISTINCT line FROM {rejects} ORDER BY line"  # noqa: S608  # our own name
            ).fetchall()
        described = self._described(key, digest([path]), typed=False)
        lines = tuple(int(line) for (line,) in rejected)
        lost = self._lost(known, described, len(lines)) if known.open_quote else 0
        if not described.rows and not lines:
            raise DataError(f"{key}: {path.name} has a header and no rows; export it again with its rows")
        return Loaded(
            relation=key, fields=described.fields, typed=False, rows=described.rows, digest=described.digest,
            quarantined=len(lines) + lost, lines=lines[:LISTED_LINES],
        )  # fmt: skip

    def _lost(self, known: Sheet, loaded: Loaded, rejected: int) -> int:
        """Lines swallowed by a quote that is never closed: DuckDB drops them without a word."""
        inner = " + ".join(
            f"coalesce(sum(length({c}) - length(replace({c}, chr(10), ''))), 0)"
            for c in (_quoted(field.name) for field in loaded.fields)
        )
        counted = f"SELECT {inner} FROM {_quoted(loaded.relation)}"  # noqa: S608  # every name is quoted
        broken = self._connection.execute(counted).fetchall()[0][0]
        return max(0, known.lines - 1 - loaded.rows - rejected - int(broken))

    def _parquet(self, key: str, paths: Sequence[Path]) -> Loaded:
        listed = ", ".join(_literal(_unglobbed(path)) for path in paths)
        with self._guarded(f"reading {paths[0].name}", data=True):
            self._connection.execute(
                f"CREATE TEMP VIEW {_quoted(key)} AS "  # noqa: S608  # every name and text is quoted
                f"SELECT * FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
            )
            return self._described(key, digest(paths))

    def _of_lake(self, key: str) -> Shelf:
        if key not in self._lake:
            raise EngineError(f"{key}: no lake was handed over; read it in a project's folder")
        return self._lake[key]

    def _shelf(self, key: str, shelf: Shelf) -> Loaded:
        paths = [Path(file) for file in shelf.files]
        listed = ", ".join(_literal(_unglobbed(path)) for path in paths)
        reader = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
        with self._guarded(f"reading the lake for {key}", data=True):
            if shelf.rows is not None:
                # a data set is read a batch at a time, only the columns and rows that are asked for
                reader = _quoted(f"_lake_files_{key}")
                self._connection.register(f"_lake_files_{key}", shelf.rows)
            inferred, logged = laid(self._connection, key, shelf, reader)
            if shelf.rows is not None:
                self._connection.unregister(f"_lake_files_{key}")
            found = self._described(key, shelf.digest or digest(paths))
        fields = tuple(replace(field, inferred=field.name in inferred) for field in found.fields)
        late = logged.pop(LATE, 0)  # told apart from why units are left out
        return replace(found, fields=fields, pin=shelf.pin, logged=logged, late=late)

    def _selected(self, key: str, rows: Rows) -> Loaded:
        reachable = self._tables | self._inner
        if rows.form == "table":
            query: exp.Query = exp.select("*").from_(_table(key, rows.where, self._tables))
        else:
            query = checked(rows.where, dialect=self.dialect, tables=reachable)
        with self._guarded(f"the source {key}"):
            self._connection.execute(f"CREATE TEMP TABLE {_quoted(key)} AS {query.sql(dialect=self.dialect)}")
        return self._described(key, None)

    def _described(self, key: str, hashed: str | None, *, typed: bool = True) -> Loaded:
        relation = self._connection.sql(f"SELECT * FROM {_quoted(key)}")  # noqa: S608  # quoted
        fields = tuple(
            Field(name, stored(str(kind)), str(kind))
            for name, kind in zip(relation.columns, relation.types, strict=True)
        )
        rows = relation.count("*").fetchall()[0][0]
        return Loaded(relation=key, fields=fields, typed=typed, rows=int(rows), digest=hashed)

    def _full(self) -> str:
        place = Path(self._scratch.name).parent
        return f"{place} has no room for its temporary files; make room, or set TMPDIR to another disk"

    @contextmanager
    def _guarded(self, doing: str, *, data: bool = False) -> Iterator[None]:
        watch = threading.Timer(self._limits.seconds, self._connection.interrupt)
        watch.daemon = True
        watch.start()
        try:
            yield
        except duckdb.InterruptException:
            raise EngineError(
                f"{doing} took longer than {self._limits.seconds:g} s and was stopped; "
                "simplify it or allow more time"
            ) from None
        except duckdb.OutOfMemoryException as error:
            full = f", and {self._full()}, or" if OFFLOADED in str(error) else "; read fewer columns or"
            says = f"{doing} needed more than {self._limits.memory} of memory{full} allow more"
            raise EngineError(says) from None
        except duckdb.Error as error:
            says = str(error).splitlines()[0]
            if "No space left" in says:
                raise EngineError(f"{doing}: {self._full()}") from None
            if data:
                raise DataError(f"{doing}: {says}; check the file") from None
            raise EngineError(f"{doing} was refused by DuckDB: {says}; mend the query") from None
        finally:
            watch.cancel()


def _table(key: str, written: str, tables: set[str]) -> exp.Table:
    table = exp.to_table(written, dialect="duckdb")
    if not tables:
        raise DataError(f"{key}: no database is attached, so there is no table {written!r}; name a database")
    checked(exp.select("*").from_(table).sql(dialect="duckdb"), dialect="duckdb", tables=tables)
    return table


def _of_stream(says: str) -> duckdb.Error:
    """What went wrong while rows were handed over, as DuckDB would have said it itself."""
    kinds = {"INTERRUPT": duckdb.InterruptException, "Out of Memory": duckdb.OutOfMemoryException}
    return next((kind for begins, kind in kinds.items() if says.startswith(begins)), duckdb.Error)(says)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _unglobbed(path: Path) -> str:
    """The path with the signs that DuckDB would take for a pattern written as themselves."""
    return re.sub(r"[*?\[]", lambda sign: f"[{sign[0]}]", str(path))
