"""Connections to SQLite and PostgreSQL: their settings, one writer at a time, errors without passwords."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from splitrun.errors import StoreError

__all__ = ["Database", "shown"]

PATIENCE = 30
"""Seconds that a writer waits for another one."""

LOCK = 5_501_202_611
"""The advisory lock that a writer holds on PostgreSQL; one for each database."""

WRITES = "splitrun_writes"
SETTINGS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={PATIENCE * 1000}",
)
KINDS = "write sqlite:///state/registry.db or postgresql://NAME@HOST/DATABASE"


def shown(url: str) -> str:
    """A URL as it may be printed: without password, and without what stands after a question mark."""
    try:
        read = make_url(url)
    except (ArgumentError, ValueError):
        return "a URL that cannot be read"
    return read.set(query={}).render_as_string(hide_password=True)


def parsed(url: str) -> URL:
    """Read the URL of a database.

    Raises:
        StoreError: It is none that a registry is kept in.
    """
    try:
        read = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(f"the registry's URL cannot be read; {KINDS}") from None
    match read.get_backend_name():
        case "sqlite" if read.database and read.database != ":memory:":
            return read.set(drivername="sqlite+pysqlite")
        case "postgresql":
            return veiled(read.set(drivername="postgresql+psycopg"))
        case _:
            raise StoreError(f"no registry is kept in {shown(url)}; {KINDS}")


def veiled(url: URL) -> URL:
    """Move a password from behind the question mark to where SQLAlchemy hides it."""
    given = url.query.get("password")
    if given is None:
        return url
    password = given if type(given) is str else given[-1]
    return url.set(password=password).difference_update_query(["password"])


class Database:
    """A database by its URL."""

    def __init__(self, url: str) -> None:
        """Prepare connections; none is opened yet.

        Raises:
            StoreError: The URL is none, or its driver is not installed.
        """
        self._url = parsed(url)
        self.name = shown(url)
        self.sqlite = self._url.get_backend_name() == "sqlite"
        try:
            self.engine = self._made()
        except (ImportError, NoSuchModuleError) as error:
            raise StoreError(
                f"the driver of {self.name} is not installed ({error}); run: pip install 'splitrun[postgres]'"
            ) from None

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database."""
        return Path(self._url.database) if self.sqlite and self._url.database else None

    def _made(self) -> Engine:
        if not self.sqlite:
            return create_engine(
                self._url,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={"connect_timeout": 10, "client_encoding": "utf8"},
            )
        if self.file is not None:
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"the folder of {self.name} cannot be made ({error.strerror}); look at rights"
                ) from error
        engine = create_engine(self._url, hide_parameters=True, connect_args={"timeout": PATIENCE})
        event.listen(engine, "connect", settled)
        event.listen(engine, "begin", begun)
        return engine

    @contextmanager
    def reading(self, *, still: bool = False) -> Iterator[Connection]:
        """A connection that reads.

        Args:
            still: Whether all statements see one moment, whatever is written meanwhile.

        Raises:
            StoreError: The database refuses.
        """
        with self.speaking(), self.engine.connect() as connection:
            if still and not self.sqlite:  # on SQLite every transaction sees one moment
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes; nobody else writes meanwhile, on any node. It is committed at the end.

        Raises:
            StoreError: The database refuses; nothing was kept.
        """
        with (
            self.speaking(),
            self.engine.connect().execution_options(**{WRITES: True}) as connection,
            connection.begin(),
        ):
            if not self.sqlite:
                connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}s'"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            yield connection

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Say what a database refuses in our words, and no password in them.

        Raises:
            StoreError: It refused.
        """
        try:
            yield
        except DBAPIError as error:
            raise StoreError(self._told(str(error.orig))) from None
        except (SQLAlchemyError, UnicodeError) as error:  # sqlite3 decodes what a damaged file says of itself
            raise StoreError(self._told(str(error))) from None

    def _told(self, says: str) -> str:
        password = str(self._url.password or "")
        hidden = says.replace(password, "***") if password else says
        return (
            f"the registry {self.name} refuses: {' '.join(hidden.split())}; nothing was kept; look at the "
            "database, its disk and rights"
        )

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def settled(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Set up a connection to SQLite; transactions are begun by us, so that writers can say so at once."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for setting in SETTINGS:
        cursor.execute(setting)
    cursor.close()


def begun(connection: Connection) -> None:
    """Begin a transaction; a writer takes the lock first, since its reading would else be stale."""
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
